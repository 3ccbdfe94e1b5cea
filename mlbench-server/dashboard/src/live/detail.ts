import { getBuckets, getPoints, type Bucket, type Owner, type Point } from "../api/metrics";
import { Series, type SeriesView } from "./series";

/** Up to how many points in view are shown one by one. */
const EXACT = 1_000;
/** How long a view must rest before its detail is read when it changes often, in milliseconds. */
const REST = 150;

/** A part of series in detail, by name. */
export type Detail = ReadonlyMap<string, SeriesView>;

/** Returns how long to wait for the detail of a view: not at all, unless the one before has only just changed. */
export function restBefore(now: number, before: number): number {
  return now - before < REST ? REST : 0;
}

/** Reads a part of series: as buckets, or as points where there are few. */
export async function readDetail(
  owner: Owner,
  pixels: number,
  options: { names: readonly string[]; since: string; until: string; signal: AbortSignal },
): Promise<Detail> {
  const buckets = await getBuckets(owner, pixels, options);
  const counts = [...buckets.series.values()].map((list) => list.reduce((sum, { count }) => sum + count, 0));
  if (Math.max(0, ...counts) > EXACT)
    return viewsOf(buckets.series, (series, list) => series.setBuckets(list, 0));
  const points = await getPoints(owner, options);
  return viewsOf(points.series, (series, list) => series.setPoints(list, 0));
}

function viewsOf<T extends Bucket | Point>(
  all: ReadonlyMap<string, T[]>,
  set: (series: Series, values: T[]) => void,
): Detail {
  return new Map(
    [...all].map(([name, values]) => {
      const series = new Series(name);
      set(series, values);
      return [name, series.view()];
    }),
  );
}
