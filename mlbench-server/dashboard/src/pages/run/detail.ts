import { useEffect, useRef, useState } from "preact/hooks";

import type { Range, XAxis } from "../../charts/series";
import { timestamp } from "../../lib/time";
import { readDetail, restBefore, type Detail } from "../../live/detail";
import type { SeriesView } from "../../live/series";

/** Reads the part of long series that is zoomed into: finer buckets, or the points themselves. */
export function useDetail(
  run: number,
  names: readonly string[],
  points: ReadonlyMap<string, SeriesView>,
  axis: XAxis,
  start: number,
): [Detail | undefined, (zoom: Range | null, pixels: number) => void] {
  const [detail, setDetail] = useState<Detail>();
  const [wish, setWish] = useState<{ zoom: Range | null; pixels: number }>({ zoom: null, pixels: 0 });
  const before = useRef(-Infinity);
  const isTime = axis === "relative" || axis === "wall";
  const coarse = names.some((name) => points.get(name)?.bucketed === true);
  const zero = axis === "relative" ? start : 0;
  useEffect(() => {
    if (wish.zoom === null || !coarse || !isTime) {
      setDetail(undefined);
      return;
    }
    const [from, to] = wish.zoom;
    // A little more than is in view, so that the curve reaches its edges.
    const margin = (to - from) / 20;
    const stop = new AbortController();
    const options = {
      names,
      since: timestamp(zero + from - margin),
      until: timestamp(zero + to + margin),
      signal: stop.signal,
    };
    const now = performance.now();
    const rest = restBefore(now, before.current);
    before.current = now;
    const timer = setTimeout(() => {
      // Without detail the coarse curve stays.
      readDetail({ run }, Math.max(100, Math.round(wish.pixels)), options).then(setDetail, () => undefined);
    }, rest);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [run, names, wish, coarse, isTime, zero]);
  return [detail, (zoom, pixels) => setWish({ zoom, pixels })];
}
