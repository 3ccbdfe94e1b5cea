import type { PointColumns } from "../live/series";
import type { ChartSeries, XAxis } from "./series";

/** Returns a series as a curve over an x axis; `start` is the zero of times, in seconds since 1970. */
export function curveOf(
  points: PointColumns,
  axis: XAxis,
  start: number,
  identity: Pick<ChartSeries, "key" | "label" | "color">,
): ChartSeries {
  const x = xOf(points, axis, start);
  const columns = { x, y: points.value, low: points.low, high: points.high };
  const { y, low, high } = columns;
  if (isOrdered(x)) return points.bucketed ? { ...identity, x, y, low, high } : { ...identity, x, y };
  const order = [...x.keys()].filter((index) => !Number.isNaN(x[index] ?? NaN));
  order.sort((a, b) => (x[a] ?? 0) - (x[b] ?? 0) || a - b);
  const sorted = (column: Float64Array) => Float64Array.from(order, (index) => column[index] ?? NaN);
  const curve = { ...identity, x: sorted(x), y: sorted(y) };
  return points.bucketed ? { ...curve, low: sorted(low), high: sorted(high) } : curve;
}

function xOf(points: PointColumns, axis: XAxis, start: number): Float64Array {
  switch (axis) {
    case "step":
      return points.step;
    case "epoch":
      return points.epoch;
    case "wall":
      return points.time;
    case "relative":
    case "training":
      return points.time.map((time) => time - start);
  }
}

/** Whether every x is a number and at least the one before. */
function isOrdered(x: Float64Array): boolean {
  let last = -Infinity;
  for (const value of x) {
    if (!(value >= last)) return false;
    last = value;
  }
  return true;
}
