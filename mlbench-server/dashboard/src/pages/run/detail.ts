import { useEffect, useRef, useState } from "preact/hooks";

import { getBuckets, getPoints, type Bucket, type Owner, type Point } from "../../api/metrics";
import type { Range, XAxis } from "../../charts/series";
import { timestamp } from "../../lib/time";
import { Series, type SeriesView } from "../../live/series";

/** Up to how many points in view are shown one by one. */
const EXACT = 1_000;
/** How long the view must rest before its detail is read, in milliseconds. */
const REST = 150;

type Detail = ReadonlyMap<string, SeriesView>;

/** Reads the part of long series that is zoomed into: finer buckets, or the points themselves. */
export function useDetail(
  run: number,
  names: readonly string[],
  points: ReadonlyMap<string, SeriesView>,
  axis: XAxis,
  start: number,
): [Detail | undefined, (zoom: Range | null, pixels: number) => void] {
  const [detail, setDetail] = useState<Detail>();
  const stop = useRef<() => void>(() => undefined);
  useEffect(() => () => stop.current(), []);
  const isTime = axis === "relative" || axis === "wall";
  const coarse = names.some((name) => points.get(name)?.bucketed === true);
  const onZoom = (zoom: Range | null, pixels: number) => {
    stop.current();
    if (zoom === null || !coarse || !isTime) {
      setDetail(undefined);
      return;
    }
    const zero = axis === "relative" ? start : 0;
    const [from, to] = zoom;
    // A little more than is in view, so that the curve reaches its edges.
    const margin = (to - from) / 20;
    const aborter = new AbortController();
    const options = {
      names,
      since: timestamp(zero + from - margin),
      until: timestamp(zero + to + margin),
      signal: aborter.signal,
    };
    const timer = setTimeout(() => {
      // Without detail the coarse curve stays.
      read({ run }, Math.max(100, Math.round(pixels)), options).then(setDetail, () => undefined);
    }, REST);
    stop.current = () => {
      clearTimeout(timer);
      aborter.abort();
    };
  };
  return [detail, onZoom];
}

async function read(
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
