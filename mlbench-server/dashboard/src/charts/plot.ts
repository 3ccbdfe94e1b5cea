import { Frame, type FrameState } from "./frame";
import { type Model, verticalOf, xTicks, yTicks } from "./model";
import { type Box, type CurvePaths, paint, pathsOf } from "./paint";
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

/** How many points become paths within one frame. */
const POINTS_A_FRAME = 20_000;

/** A picture that is being made. */
interface Work {
  state: PlotState;
  axes: FrameState;
  box: Box;
  /** The curves that have their paths already. */
  curves: CurvePaths[];
  /** How many points become paths within one frame. */
  most: number;
}

/**
 * A chart on a canvas: the curves in their frame.
 *
 * The paths of many points are made over several frames, while the picture before stays.
 */
export class Plot {
  private readonly frame: Frame;
  private readonly dots = document.createElement("canvas");
  private paths: { of: Model; at: string; curves: CurvePaths[] } | null = null;
  private work: Work | null = null;
  private readonly end = new AbortController();
  private scheduled = 0;
  private shown: number | null = null;

  constructor(
    root: HTMLElement,
    private state: PlotState,
    events: PlotEvents,
  ) {
    this.frame = new Frame(root, {
      point: (at) => events.cursor(at === null ? null : this.snap(valueAt(at, this.model.view))),
      select: (from, to) => events.zoom([valueAt(from, this.model.view), valueAt(to, this.model.view)]),
      reset: () => events.reset(),
    });
    this.dots.className = "chart-dots";
    this.frame.over.append(this.dots);
    this.draw();
    this.watchScreen();
  }

  private get model(): Model {
    return this.state.model;
  }

  /** The width of the plot in pixels. */
  get pixels(): number {
    return this.frame.pixels;
  }

  /** Shows another state, with the next frame: many changes until then cost one drawing. */
  update(state: PlotState): void {
    this.state = state;
    this.scheduled ||= requestAnimationFrame(() => this.draw());
  }

  /** Removes the plot. */
  destroy(): void {
    cancelAnimationFrame(this.scheduled);
    this.end.abort();
    this.frame.destroy();
  }

  /** Moves the crosshair to an x, or removes it. */
  cursor(x: number | null): void {
    this.shown = x;
    const part = x === null ? -1 : fraction(x, this.model.view);
    const inside = part >= 0 && part <= 1;
    this.frame.point(inside ? part : null);
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

  /** Draws again when the window moves to a screen with other pixels. */
  private watchScreen(): void {
    const again = () => {
      this.update(this.state);
      this.watchScreen();
    };
    const { signal } = this.end;
    matchMedia(`(resolution: ${this.frame.ratio}dppx)`).addEventListener("change", again, {
      once: true,
      signal,
    });
  }

  /** Draws the state, or goes on with an earlier one that has been begun. */
  private draw(): void {
    this.scheduled = 0;
    this.work ??= this.begin();
    const { state, axes, box, curves, most } = this.work;
    const { model, palette, focus } = state;
    let points = 0;
    while (curves.length < model.series.length && points < most) {
      points += model.series[curves.length]?.x.length ?? 0;
      curves.push(pathsOf(model, curves.length, box));
    }
    if (curves.length >= model.series.length) {
      this.work = null;
      const { ratio } = this.frame;
      this.frame.draw(axes, (context) => paint(context, model, curves, box, palette, { ratio, focus }));
    }
    if (this.work !== null || state !== this.state) this.update(this.state);
    this.cursor(this.shown);
  }

  private begin(): Work {
    const { state, frame } = this;
    const { model, width, height, palette, compact } = state;
    // The labels of the y axis and the end of the x axis take about 64 pixels.
    const x = xTicks(model, Math.max(60, width - 64));
    const y = yTicks(model, height - 34);
    const axes = { width, height, least: compact ? 44 : 52, x, y, palette };
    const emptied = frame.layOut(axes);
    const { box } = frame;
    const at = `${box.left} ${box.top} ${box.width} ${box.height}`;
    if (this.paths?.of !== model || this.paths.at !== at) this.paths = { of: model, at, curves: [] };
    return { state, axes, box, curves: this.paths.curves, most: emptied ? Infinity : POINTS_A_FRAME };
  }

  /** Marks the points under the crosshair, on a canvas no wider than needed: a wide one would cost every frame. */
  private drawDots(x: number | null): void {
    const { box, ratio } = this.frame;
    const dots = x === null ? [] : this.dotsAt(x, box.width, box.height);
    this.dots.hidden = dots.length === 0;
    const context = this.dots.getContext("2d");
    if (context === null || dots.length === 0 || x === null) return;
    const center = fraction(x, this.model.view) * box.width;
    const needed = Math.max(...dots.map((dot) => Math.abs(dot.x - center))) + 4 * ratio;
    const half = 2 ** Math.ceil(Math.log2(Math.max(8, needed)));
    if (this.dots.width !== half * 2 || this.dots.height !== box.height) {
      this.dots.width = half * 2;
      this.dots.height = box.height;
      this.dots.style.width = `${(half * 2) / ratio}px`;
    }
    this.dots.style.transform = `translateX(${Math.round(center - half) / ratio}px)`;
    context.clearRect(0, 0, half * 2, box.height);
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
}

/** How far from the ends of a curve the crosshair still shows its value, in units of x. */
export function reachOf(view: Range): number {
  return (view[1] - view[0]) * 0.02;
}
