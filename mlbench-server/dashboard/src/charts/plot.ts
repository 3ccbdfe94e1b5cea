import uPlot from "uplot";

import { type Model, verticalOf, xTicks, yTicks } from "./model";
import { type CurvePaths, paint, pathsOf } from "./paint";
import type { Palette } from "./palette";
import { fraction, valueAt } from "./scale";
import { nearest } from "./search";
import type { Range } from "./series";

/** What a plot shows now. */
export interface PlotState {
  model: Model;
  width: number;
  height: number;
  palette: Palette;
  /** The key of the curve to emphasize. */
  focus: string | null;
  compact: boolean;
}

/** What a plot reports to its chart. */
export interface PlotEvents {
  zoom(range: Range): void;
  reset(): void;
  cursor(x: number | null): void;
}

const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/**
 * A chart on a canvas.
 *
 * uPlot draws the frame (axes, grid, crosshair, selection) on scales that always go from 0 to 1, so that no range of
 * values reaches its own arithmetic. The curves have different x each, and are drawn here.
 */
export class Plot {
  private readonly frame: uPlot;
  private readonly dots = document.createElement("canvas");
  private paths: { of: Model; at: string; curves: CurvePaths[] } | null = null;
  private scheduled = 0;
  private shown: number | null = null;

  constructor(
    root: HTMLElement,
    private state: PlotState,
    private readonly events: PlotEvents,
  ) {
    this.frame = new uPlot(
      this.options(),
      [
        [0, 1],
        [0, 1],
      ],
      root,
    );
    this.dots.className = "chart-dots";
    this.frame.over.append(this.dots);
    // A finger moves the crosshair; mice come through uPlot.
    const touch = (event: PointerEvent) => {
      if (event.pointerType === "mouse") return;
      const part =
        (event.clientX - this.frame.over.getBoundingClientRect().left) / this.frame.over.clientWidth;
      events.cursor(this.snap(valueAt(Math.min(1, Math.max(0, part)), this.model.view)));
    };
    this.frame.over.addEventListener("pointerdown", touch);
    this.frame.over.addEventListener("pointermove", touch);
  }

  private get model(): Model {
    return this.state.model;
  }

  /** The width of the plot in pixels. */
  get pixels(): number {
    return Math.max(1, Math.round(this.frame.bbox.width / uPlot.pxRatio));
  }

  /** Shows another state, with the next frame: many changes until then cost one drawing. */
  update(state: PlotState): void {
    this.state = state;
    this.scheduled ||= requestAnimationFrame(() => this.draw());
  }

  /** Removes the plot. */
  destroy(): void {
    cancelAnimationFrame(this.scheduled);
    this.frame.destroy();
  }

  /** Moves the crosshair to an x, or removes it. */
  cursor(x: number | null): void {
    this.shown = x;
    const part = x === null ? -1 : fraction(x, this.model.view);
    const inside = part >= 0 && part <= 1;
    const left = inside ? part * this.pixels : -10;
    if (this.frame.cursor.left !== left) this.frame.setCursor({ left, top: inside ? 0 : -10 }, false);
    this.drawDots(inside ? x : null);
  }

  /** Returns the x of the nearest point of any curve in view. */
  snap(x: number): number {
    let best = x;
    let distance = Infinity;
    for (const curve of this.model.series) {
      const found = curve.x[nearest(curve.x, x, Infinity)];
      if (found !== undefined && Math.abs(found - x) < distance) {
        best = found;
        distance = Math.abs(found - x);
      }
    }
    const [from, to] = this.model.view;
    return best < from || best > to ? x : best;
  }

  private draw(): void {
    this.scheduled = 0;
    const { width, height } = this.state;
    this.frame.batch(() => {
      if (width !== this.frame.width || height !== this.frame.height) this.frame.setSize({ width, height });
      this.frame.redraw(false, true);
    });
    this.cursor(this.shown);
  }

  private drawCurves(frame: uPlot): void {
    const { bbox } = frame;
    if (bbox.width <= 0 || bbox.height <= 0) return;
    const at = `${bbox.left} ${bbox.top} ${bbox.width} ${bbox.height}`;
    if (this.paths?.of !== this.model || this.paths.at !== at) {
      this.paths = { of: this.model, at, curves: pathsOf(this.model, bbox) };
    }
    const { palette, focus } = this.state;
    paint(frame.ctx, this.model, this.paths.curves, bbox, palette, { ratio: uPlot.pxRatio, focus });
  }

  /** Marks the points under the crosshair, on a canvas no wider than needed: a wide one would cost every frame. */
  private drawDots(x: number | null): void {
    const { bbox } = this.frame;
    const ratio = uPlot.pxRatio;
    const dots = x === null ? [] : this.dotsAt(x, bbox.width, bbox.height);
    this.dots.hidden = dots.length === 0;
    const context = this.dots.getContext("2d");
    if (context === null || dots.length === 0 || x === null) return;
    const center = fraction(x, this.model.view) * bbox.width;
    const needed = Math.max(...dots.map((dot) => Math.abs(dot.x - center))) + 4 * ratio;
    const half = 2 ** Math.ceil(Math.log2(Math.max(8, needed)));
    if (this.dots.width !== half * 2 || this.dots.height !== bbox.height) {
      this.dots.width = half * 2;
      this.dots.height = bbox.height;
      this.dots.style.width = `${(half * 2) / ratio}px`;
    }
    this.dots.style.transform = `translateX(${Math.round(center - half) / ratio}px)`;
    context.clearRect(0, 0, half * 2, bbox.height);
    for (const dot of dots) {
      context.fillStyle = dot.color;
      context.beginPath();
      context.arc(dot.x - Math.round(center - half), dot.y, 3 * ratio, 0, 2 * Math.PI);
      context.fill();
    }
  }

  private dotsAt(x: number, width: number, height: number): { x: number; y: number; color: string }[] {
    const { series, lines, view } = this.model;
    const toY = verticalOf(this.model, 0, height);
    const reach = reachOf(view);
    return series.flatMap((curve, index) => {
      const point = nearest(curve.x, x, reach);
      const at = fraction(curve.x[point] ?? NaN, view);
      const y = toY((lines[index] ?? curve.y)[point] ?? NaN);
      if (!(at >= 0 && at <= 1) || !Number.isFinite(y)) return [];
      const { palette } = this.state;
      return [{ x: at * width, y, color: palette.curves[curve.color % 8] ?? palette.text }];
    });
  }

  private options(): uPlot.Options {
    const { width, height, compact } = this.state;
    const axis = (more: Partial<uPlot.Axis>): uPlot.Axis => ({
      font: FONT,
      stroke: () => this.state.palette.muted,
      grid: { stroke: () => this.state.palette.line, width: 1 },
      ticks: { show: false },
      gap: 6,
      ...more,
    });
    let snapped: number | null = null;
    return {
      width,
      height,
      legend: { show: false },
      // Half a date, the widest label of an axis, has its place at the end.
      padding: [8, 22, 0, 0],
      scales: { x: { time: false, range: [0, 1] }, y: { range: [0, 1] } },
      series: [{}, { paths: () => null, points: { show: false } }],
      axes: [
        axis({
          size: 26,
          splits: () => xTicks(this.model, this.plotWidth()).map(({ at }) => at),
          values: () => xTicks(this.model, this.plotWidth()).map(({ text }) => text),
          grid: { show: false },
        }),
        axis({
          size: (_frame, texts: string[] | null) =>
            Math.max(compact ? 44 : 52, ...(texts ?? []).map((text) => text.length * 6.4 + 14)),
          splits: (frame) => yTicks(this.model, frame.height - 34).map(({ at }) => at),
          values: (frame) => yTicks(this.model, frame.height - 34).map(({ text }) => text),
        }),
      ],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false, dist: 5 },
        bind: {
          dblclick: () => () => {
            this.events.reset();
            return null;
          },
        },
        move: (frame, left, top) => {
          const across = frame.over.clientWidth;
          if (left < 0 || across === 0) {
            snapped = null;
            return [left, top];
          }
          snapped = this.snap(valueAt(left / across, this.model.view));
          return [fraction(snapped, this.model.view) * across, top];
        },
      },
      hooks: {
        draw: [(frame) => this.drawCurves(frame)],
        setCursor: [() => this.events.cursor(snapped)],
        setSelect: [
          (frame) => {
            const { left, width: selected } = frame.select;
            const across = frame.over.clientWidth;
            frame.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            if (selected < 5 || across === 0) return;
            const { view } = this.model;
            this.events.zoom([valueAt(left / across, view), valueAt((left + selected) / across, view)]);
          },
        ],
      },
    };
  }

  /** The width of the plot, also before uPlot has computed it. */
  private plotWidth(): number {
    return Math.max(60, this.state.width - 64);
  }
}

/** How far from the ends of a curve the crosshair still shows its value, in units of x. */
export function reachOf(view: Range): number {
  return (view[1] - view[0]) * 0.02;
}
