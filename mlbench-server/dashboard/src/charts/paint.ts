import { traceColumns } from "./band_columns";
import { dashOf, type Model, verticalOf } from "./model";
import type { Palette } from "./palette";
import { inView, type Projection, traceBand, traceLine } from "./trace";

/** The plot within its canvas, in pixels of the canvas. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The paths of a curve on a canvas. */
export interface CurvePaths {
  line: Path2D;
  /** Whether the line goes up and down so much that it fills an area. */
  noisy: boolean;
  /** The raw values behind a smoothed line. */
  raw: Path2D | null;
  /** An area, or lines that fill it. */
  band: { path: Path2D; lines: boolean } | null;
}

/** From how many buckets per pixel on a band is drawn as lines. */
const DENSE_BAND = 0.25;
/** From how many times the width of its plot on a line is noisy by its length. */
const NOISY = 10;

/** Builds the paths of a curve. */
export function pathsOf(model: Model, index: number, box: Box): CurvePaths {
  const { left, top, width, height } = box;
  const line = new Path2D();
  const curve = model.series[index];
  if (curve === undefined) return { line, noisy: false, raw: null, band: null };
  const toY = verticalOf(model, top, top + height);
  const projection = { view: model.view, left, right: left + width, toY };
  const values = model.lines[index] ?? curve.y;
  traceLine(line, curve.x, values, projection);
  let raw = null;
  if (values !== curve.y) {
    raw = new Path2D();
    traceLine(raw, curve.x, curve.y, projection);
  }
  let band = null;
  if (curve.low !== undefined && curve.high !== undefined) {
    const path = new Path2D();
    const [first, last] = inView(curve.x, model.view);
    const lines = last - first > DENSE_BAND * width;
    const trace = lines ? traceColumns : traceBand;
    trace(path, curve.x, curve.low, curve.high, projection, top + height + 2);
    band = { path, lines };
  }
  return { line, noisy: climb(curve.x, values, projection) > NOISY * width, raw, band };
}

/** Returns how far a line goes up and down, in pixels. */
function climb(x: Float64Array, y: Float64Array, { view, toY }: Projection): number {
  const [first, last] = inView(x, view);
  let sum = 0;
  let before = NaN;
  for (let index = first; index < last; index += 1) {
    const at = toY(y[index] ?? NaN);
    const step = Math.abs(at - before);
    if (Number.isFinite(step)) sum += step;
    before = at;
  }
  return sum;
}

/** Draws the curves of a chart: bands at the back, then raw values, then lines. */
export function paint(
  context: CanvasRenderingContext2D,
  model: Model,
  paths: readonly CurvePaths[],
  box: Box,
  palette: Palette,
  options: { ratio: number; focus: string | null },
): void {
  const { ratio, focus } = options;
  context.save();
  context.beginPath();
  // Half a line more, so that values at the edge of the range are not cut.
  context.rect(box.left, box.top - ratio, box.width, box.height + 2 * ratio);
  context.clip();
  context.lineJoin = "round";
  context.lineCap = "butt";
  context.lineWidth = 1;
  const thin = model.series.length > 12;
  const each = (draw: (paths: CurvePaths, color: string, dash: readonly number[]) => void, faint: number) => {
    model.series.forEach((curve, index) => {
      const path = paths[index];
      if (path === undefined) return;
      context.globalAlpha = faint * (focus === null || focus === curve.key ? 1 : 0.2);
      draw(path, palette.curves[curve.color % 8] ?? palette.text, dashOf(curve.color));
    });
  };
  each(
    ({ band }, color) => {
      if (band === null) return;
      context.fillStyle = color;
      context.strokeStyle = color;
      if (band.lines) context.stroke(band.path);
      else context.fill(band.path);
    },
    thin ? 0.14 : 0.22,
  );
  context.lineCap = "round";
  each(({ raw }, color) => {
    if (raw === null) return;
    context.lineWidth = 1;
    context.strokeStyle = color;
    context.setLineDash([]);
    context.stroke(raw);
  }, 0.3);
  each(({ line, noisy }, color, dash) => {
    context.strokeStyle = color;
    context.setLineDash(dash.map((part) => part * ratio));
    // A line that fills an area is no clearer for being wide, and takes four times as long.
    stroke(context, line, thin || noisy ? 1 : 1.75, ratio);
  }, 1);
  context.restore();
}

/**
 * Strokes a line of a width in CSS pixels.
 *
 * Without a graphics processor, a noisy line wider than a pixel takes 30 times as long as one of a pixel. So a wide
 * line is several narrow ones side by side.
 */
function stroke(context: CanvasRenderingContext2D, line: Path2D, width: number, ratio: number): void {
  if (ratio >= 1.5 || width <= 1) {
    context.lineWidth = Math.max(1, width * ratio);
    context.stroke(line);
    return;
  }
  const shift = (width * ratio - 1) / 2;
  context.lineWidth = 1;
  for (const x of [-shift, shift]) {
    for (const y of [-shift, shift]) {
      context.setTransform(1, 0, 0, 1, x, y);
      context.stroke(line);
    }
  }
  context.resetTransform();
}
