import type { PointColumns } from "../live/series";
import type { Clock } from "./clock";
import type { ChartSeries, Range, XAxis } from "./series";

/** How the points of a run map to an x axis. */
export interface Placing {
  axis: XAxis;
  /** The zero of relative times, in seconds since 1970. */
  start: number;
  /** The training time, where it is known. */
  clock?: Clock | undefined;
}

/** What names a curve. */
type Identity = Pick<ChartSeries, "key" | "label" | "color">;

/** How many points after a step back must follow it, so that it is a restart and not a point that came late. */
const STAYS = 3;

/** Returns a series as curves over an x axis: one for each training, where the steps of a run begin anew. */
export function curvesOf(points: PointColumns, placing: Placing, identity: Identity): ChartSeries[] {
  const { value: y, low, high, bucketed } = points;
  const x = xOf(points, placing);
  if (isOrdered(x)) return [bucketed ? { ...identity, x, y, low, high } : { ...identity, x, y }];
  return trainingsOf(x).map((order, index) => {
    order.sort((a, b) => (x[a] ?? 0) - (x[b] ?? 0) || a - b);
    const sorted = (column: Float64Array) => Float64Array.from(order, (at) => column[at] ?? NaN);
    const { key, label, color } = identity;
    const names =
      index === 0
        ? identity
        : { key: `${key} ${index + 1}`, label: `${label}, training ${index + 1}`, color };
    const curve = { ...names, x: sorted(x), y: sorted(y) };
    return bucketed ? { ...curve, low: sorted(low), high: sorted(high) } : curve;
  });
}

/** Divides points by their indices wherever x falls back and stays there for a while. */
function trainingsOf(x: Float64Array): number[][] {
  const numbered = [...x.keys()].filter((index) => !Number.isNaN(x[index] ?? NaN));
  let open: number[] = [];
  const trainings = [open];
  let highest = -Infinity;
  numbered.forEach((index, place) => {
    const at = x[index] ?? NaN;
    const stays = () =>
      numbered.slice(place + 1, place + 1 + STAYS).every((later) => (x[later] ?? NaN) <= highest);
    if (at < highest && stays()) {
      open = [];
      trainings.push(open);
      highest = -Infinity;
    }
    highest = Math.max(highest, at);
    open.push(index);
  });
  return trainings;
}

/** Returns the times, in seconds since 1970, between which the points are that an x axis shows in a range. */
export function timesIn(points: PointColumns, placing: Placing, [from, to]: Range): Range | undefined {
  const { time } = points;
  if (placing.axis === "wall") return [from, to];
  if (placing.axis === "relative") return [from + placing.start, to + placing.start];
  const x = xOf(points, placing);
  let [since, until] = [Infinity, -Infinity];
  // A bucket reaches from the end of the one before to its own; the first has no known beginning.
  let before = { at: -Infinity, time: 0 };
  x.forEach((at, index) => {
    if (Number.isNaN(at)) return;
    const here = { at, time: time[index] ?? NaN };
    if (Math.min(before.at, at) <= to && Math.max(before.at, at) >= from) {
      since = Math.min(since, before.time);
      until = Math.max(until, here.time);
    }
    before = here;
  });
  return since <= until ? [since, until] : undefined;
}

function xOf(points: PointColumns, { axis, start, clock }: Placing): Float64Array {
  switch (axis) {
    case "step":
      return points.step;
    case "epoch":
      return points.epoch;
    case "wall":
      return points.time;
    case "relative":
      return points.time.map((time) => time - start);
    case "training":
      return points.time.map(clock ?? ((time) => time - start));
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
