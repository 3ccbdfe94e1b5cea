import { lowerBound } from "./search";
import type { Range } from "./series";

/** What draws a path: a `Path2D`, or the path of an SVG. */
export interface Pen {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  closePath(): void;
}

/** How the points of a chart map to pixels. */
export interface Projection {
  /** The x in view. */
  view: Range;
  /** Left and right end of the plot in pixels. */
  left: number;
  right: number;
  /** Returns the vertical pixel of a value; NaN where the scale has no place for it. */
  toY: (value: number) => number;
}

/** From how many points per pixel on only the first, least, greatest and last of each column are drawn. */
const DENSE = 4;

/** Half the size of the dot of a lonely point, in pixels. */
const DOT = 2;

/** How many pixels beside the plot a point may be. */
const FAR = 10_000;

/** Draws a line through points; NaN is a gap, and a point between two gaps becomes a dot. */
export function traceLine(pen: Pen, x: Float64Array, y: Float64Array, to: Projection): void {
  const { view, left, right, toY } = to;
  const scale = (right - left) / (view[1] - view[0]);
  const [first, last] = inView(x, view);
  const dense = last - first > DENSE * Math.abs(right - left);
  let down = false;
  let strokes = 0;
  let lastX = NaN;
  let lastY = NaN;
  // Least and greatest pixel of the open column of a dense curve.
  let low = NaN;
  let high = NaN;
  const closeColumn = () => {
    if (!(low < high)) return;
    pen.lineTo(lastX, low);
    pen.lineTo(lastX, high);
    pen.lineTo(lastX, lastY);
    strokes += 1;
    low = NaN;
  };
  const lift = () => {
    closeColumn();
    if (down && strokes === 0) traceDot(pen, lastX, lastY);
    down = false;
    strokes = 0;
  };
  for (let index = first; index < last; index += 1) {
    let atY = toY(y[index] ?? NaN);
    if (!Number.isFinite(atY)) {
      lift();
      continue;
    }
    let atX = left + ((x[index] ?? NaN) - view[0]) * scale;
    if (dense) {
      atX = Math.round(atX);
      if (down && atX === lastX) {
        low = Math.min(low, atY);
        high = Math.max(high, atY);
        lastY = atY;
        continue;
      }
      closeColumn();
      low = atY;
      high = atY;
    }
    if (atX < left - FAR || atX > right + FAR) {
      // A pixel number this large loses its digits: the line enters at the edge instead.
      const inner = atX < left ? index + 1 : index - 1;
      const innerX = left + ((x[inner] ?? NaN) - view[0]) * scale;
      const innerY = toY(y[inner] ?? NaN);
      const edge = atX < left ? left - 10 : right + 10;
      if (!Number.isFinite(innerY) || (innerX - edge) * (atX - edge) >= 0) {
        lift();
        continue;
      }
      atY = innerY + ((atY - innerY) * (edge - innerX)) / (atX - innerX);
      atX = edge;
    }
    if (down) {
      pen.lineTo(atX, atY);
      strokes += 1;
    } else pen.moveTo(atX, atY);
    down = true;
    lastX = atX;
    lastY = atY;
  }
  lift();
}

/** Draws what a person sees of a line that is a single point, with the pen at that point. */
function traceDot(pen: Pen, x: number, y: number): void {
  pen.lineTo(x + DOT, y);
  pen.lineTo(x, y + DOT);
  pen.lineTo(x - DOT, y);
  pen.lineTo(x, y - DOT);
  pen.lineTo(x + DOT, y);
}

/** Draws the area between the least and the greatest values of buckets; `floor` is below everything. */
export function traceBand(
  pen: Pen,
  x: Float64Array,
  low: Float64Array,
  high: Float64Array,
  to: Projection,
  floor: number,
): void {
  const { view, left, right, toY } = to;
  const scale = (right - left) / (view[1] - view[0]);
  const [first, last] = inView(x, view);
  let xs: number[] = [];
  let tops: number[] = [];
  let bottoms: number[] = [];
  const close = () => {
    if (xs.length === 1) {
      // A bucket between two gaps is as wide as a line.
      xs = [(xs[0] ?? 0) - 0.75, (xs[0] ?? 0) + 0.75];
      tops.push(tops[0] ?? 0);
      bottoms.push(bottoms[0] ?? 0);
    }
    for (let index = 0; index < xs.length; index += 1) {
      if (index === 0) pen.moveTo(xs[0] ?? 0, tops[0] ?? 0);
      else pen.lineTo(xs[index] ?? 0, tops[index] ?? 0);
    }
    for (let index = xs.length - 1; index >= 0; index -= 1) pen.lineTo(xs[index] ?? 0, bottoms[index] ?? 0);
    if (xs.length > 0) pen.closePath();
    xs = [];
    tops = [];
    bottoms = [];
  };
  const dense = last - first > DENSE * Math.abs(right - left);
  for (let index = first; index < last; index += 1) {
    const top = toY(high[index] ?? NaN);
    const under = toY(low[index] ?? NaN);
    if (!Number.isFinite(top)) {
      close();
      continue;
    }
    // On a logarithmic axis a bucket that reaches down to zero leaves the plot at the bottom.
    const bottom = Number.isFinite(under) ? under : floor;
    const exact = left + ((x[index] ?? NaN) - view[0]) * scale;
    const at = Math.max(-1e6, Math.min(1e6, dense ? Math.round(exact) : exact));
    const end = xs.length - 1;
    if (dense && at === xs[end]) {
      tops[end] = Math.min(tops[end] ?? top, top);
      bottoms[end] = Math.max(bottoms[end] ?? bottom, bottom);
    } else {
      xs.push(at);
      tops.push(top);
      bottoms.push(bottom);
    }
  }
  close();
}

/** Returns the first index and the end of the points in view, with a neighbour on both sides. */
export function inView(x: Float64Array, view: Range): [number, number] {
  let end = lowerBound(x, view[1]);
  while (end < x.length && x[end] === view[1]) end += 1;
  return [Math.max(0, lowerBound(x, view[0]) - 1), Math.min(x.length, end + 1)];
}
