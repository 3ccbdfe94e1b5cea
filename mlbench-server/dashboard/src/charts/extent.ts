import { measure } from "./scale";
import { lowerBound } from "./search";
import type { ChartSeries, Range, Scale, XAxis } from "./series";

/** The values of curves in view and those that have no place in it. */
export interface Extent {
  /** Least and greatest value in the measure of the scale; not in order where no value has a place. */
  min: number;
  max: number;
  /** Values ≤ 0 on a logarithmic axis. */
  notPositive: number;
  /** NaN and infinities. */
  notFinite: number;
  points: number;
}

/** Returns the least and the greatest x of curves, or undefined without points. */
export function xExtent(series: readonly Pick<ChartSeries, "x">[]): Range | undefined {
  let min = Infinity;
  let max = -Infinity;
  for (const { x } of series) {
    min = Math.min(min, x[0] ?? Infinity);
    max = Math.max(max, x.at(-1) ?? -Infinity);
  }
  return min <= max ? [min, max] : undefined;
}

/** How far from zero the first x may be, as a part of all, so that the axis begins at zero. */
const NEAR_ZERO = 0.1;

/** Returns what an axis shows of an extent: one that begins near zero has a tick there. Dates have no zero. */
export function fromZero(extent: Range | undefined, axis: XAxis): Range | undefined {
  if (extent === undefined || axis === "wall") return extent;
  const [from, to] = extent;
  return from > 0 && from <= to * NEAR_ZERO ? [0, to] : extent;
}

/** Looks at all values of curves whose x is in a range. */
export function yExtent(series: readonly ChartSeries[], view: Range, scale: Scale): Extent {
  const extent: Extent = { min: Infinity, max: -Infinity, notPositive: 0, notFinite: 0, points: 0 };
  let min = Infinity;
  let max = -Infinity;
  const log = scale !== "linear";
  for (const { x, y, low, high } of series) {
    for (let index = lowerBound(x, view[0]); index < x.length; index += 1) {
      if ((x[index] ?? NaN) > view[1]) break;
      extent.points += 1;
      const value = y[index] ?? NaN;
      const least = low?.[index] ?? value;
      const most = high?.[index] ?? value;
      if (!Number.isFinite(value)) extent.notFinite += 1;
      else if (log && least <= 0) extent.notPositive += 1;
      if (Number.isFinite(least) && least < min && !(log && least <= 0)) min = least;
      if (Number.isFinite(most) && most > max && !(log && most <= 0)) max = most;
      // A bucket from below zero to above: what has a place counts.
      if (log && least <= 0 && value > 0 && value < min) min = value;
    }
  }
  const toMeasure = measure(scale);
  if (min < Infinity) extent.min = toMeasure(min);
  if (max > -Infinity) extent.max = toMeasure(max);
  if (extent.min > extent.max && max > -Infinity) extent.min = extent.max;
  return extent;
}

/** Says in words which values a chart cannot show, or returns an empty text. */
export function hiddenText({ notPositive, notFinite }: Pick<Extent, "notPositive" | "notFinite">): string {
  const values = (count: number) => `${count} ${count === 1 ? "value" : "values"}`;
  const parts: string[] = [];
  if (notPositive > 0) parts.push(`${values(notPositive)} ≤ 0 not shown on the log axis`);
  if (notFinite > 0) parts.push(`${values(notFinite)} not finite (NaN or infinite), shown as gaps`);
  return parts.join("; ");
}
