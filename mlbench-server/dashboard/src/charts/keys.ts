import { nextX } from "./search";
import type { Range } from "./series";
import { xExtent } from "./extent";

/** What a key does to a chart. */
export interface KeyAction {
  cursor?: number | null;
  zoom?: Range | null;
}

/** The chart that a key was pressed on. */
export interface KeyContext {
  curves: readonly Float64Array[];
  view: Range;
  /** The x under the crosshair. */
  at: number | null;
  /** The width of a pixel in units of x: the least that the crosshair moves. */
  step: number;
}

/** Returns what a key does, or undefined for a key without a meaning. */
export function keyAction(key: string, shift: boolean, context: KeyContext): KeyAction | undefined {
  const { view, at } = context;
  switch (key) {
    case "ArrowRight":
      return { cursor: moved(1, shift ? 10 : 1, context) };
    case "ArrowLeft":
      return { cursor: moved(-1, shift ? 10 : 1, context) };
    case "Home":
      return { cursor: moved(1, 1, { ...context, at: null }) };
    case "End":
      return { cursor: moved(-1, 1, { ...context, at: null }) };
    case "+":
    case "=":
      return { zoom: zoomed(view, at, 0.5) };
    case "-":
    case "_":
      return { zoom: within(zoomed(view, at, 2), context) };
    case "Escape":
      return { cursor: null, zoom: null };
    default:
      return undefined;
  }
}

/** Moves the crosshair from point to point, within the view; it begins at the end that it comes from. */
function moved(direction: 1 | -1, count: number, { curves, view, at, step }: KeyContext): number | null {
  let x = at;
  let left = count;
  if (x === null || x < view[0] || x > view[1]) {
    const [from, to] = view;
    const edge = direction > 0 ? from : to;
    const onEdge = curves.some((curve) => (direction > 0 ? curve[0] : curve.at(-1)) === edge);
    x = onEdge ? edge : (nextX(curves, edge, direction, 0) ?? edge);
    left -= 1;
  }
  for (; left > 0; left -= 1) {
    const next = nextX(curves, x, direction, step * 0.999);
    if (next === undefined || next < view[0] || next > view[1]) break;
    x = next;
  }
  return x;
}

/** Returns the view that is `factor` times as wide around the crosshair, or around its middle. */
function zoomed([from, to]: Range, at: number | null, factor: number): Range {
  const center = at === null || at < from || at > to ? (from + to) / 2 : at;
  const next: Range = [center - (center - from) * factor, center + (to - center) * factor];
  // A view so narrow that its ends are one number would show nothing.
  return next[1] - next[0] > Math.abs(center) * 1e-12 ? next : [from, to];
}

/** Returns the view within all points; null when that is all of them. */
function within([from, to]: Range, { curves }: KeyContext): Range | null {
  const whole = xExtent(curves.map((x) => ({ x })));
  if (whole === undefined || (from <= whole[0] && to >= whole[1])) return null;
  return [Math.max(from, whole[0]), Math.min(to, whole[1])];
}
