import type { SeriesInfo } from "../api/metrics";
import { STEPS } from "../lib/steps";
import { lowerBound } from "./search";

/** The seconds of whole epochs. */
const EPOCH = "CumulativeTrainTimeEpoch @ 0";

/** Turns a time, in seconds since 1970, into the training seconds up to then. */
export type Clock = (time: number) => number;

/** Returns the metrics that tell the training time of a run: those of epochs, else those of the steps. */
export function clockNames(catalog: readonly SeriesInfo[]): string[] {
  const names = new Set(catalog.map(({ name }) => name));
  return names.has(EPOCH) ? [EPOCH] : STEPS.map((step) => `${step} @ 0`).filter((name) => names.has(name));
}

/** What the training time needs of a series. */
interface Seconds {
  time: Float64Array;
  /** The sum of each bucket, or the value of each point. */
  sum: Float64Array;
  bucketed: boolean;
}

/**
 * Returns how to turn a time into the training seconds up to then; undefined where they are not known.
 *
 * Within a bucket, of which only the sum is known, the seconds pass evenly.
 */
export function trainingClock(series: readonly Seconds[]): Clock | undefined {
  const parts = series.filter(({ time }) => time.length > 0).map(partOf);
  if (parts.length === 0) return undefined;
  return (time) => parts.reduce((total, part) => total + part(time), 0);
}

function partOf({ time: times, sum, bucketed }: Seconds): Clock {
  let total = 0;
  const totals = sum.map((seconds) => (total += Number.isFinite(seconds) ? seconds : 0));
  return (time) => {
    let after = lowerBound(times, time);
    while (times[after] === time) after += 1;
    const before = totals[after - 1] ?? 0;
    const [from, to] = [times[after - 1], times[after]];
    if (!bucketed || from === undefined || to === undefined) return before;
    return before + (((totals[after] ?? before) - before) * (time - from)) / (to - from);
  };
}
