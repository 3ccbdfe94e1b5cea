import { useEffect, useRef, useState } from "preact/hooks";

import { timesIn, type Placing } from "../../charts/curve";
import type { Range } from "../../charts/series";
import { timestamp } from "../../lib/time";
import { readDetail, restBefore, type Detail } from "../../live/detail";
import type { SeriesView } from "../../live/series";

/** Reads the part of long series that is zoomed into: finer buckets, or the points themselves. */
export function useDetail(
  run: number,
  names: readonly string[],
  points: ReadonlyMap<string, SeriesView>,
  placing: Placing,
): [Detail | undefined, (zoom: Range | null, pixels: number) => void] {
  const [detail, setDetail] = useState<Detail>();
  const [wish, setWish] = useState<{ zoom: Range | null; pixels: number }>({ zoom: null, pixels: 0 });
  const before = useRef(-Infinity);
  const coarse = names.some((name) => points.get(name)?.bucketed === true);
  const { axis, start } = placing;
  const spanOf = (zoom: Range): Range | undefined => {
    const spans = names.flatMap((name) => {
      const found = points.get(name);
      const span = found === undefined ? undefined : timesIn(found, placing, zoom);
      return span === undefined ? [] : [span];
    });
    if (spans.length === 0) return undefined;
    return [Math.min(...spans.map(([from]) => from)), Math.max(...spans.map(([, to]) => to))];
  };
  const latest = useRef(spanOf);
  latest.current = spanOf;
  useEffect(() => {
    const span = wish.zoom === null || !coarse ? undefined : latest.current(wish.zoom);
    if (span === undefined) {
      setDetail(undefined);
      return;
    }
    const [from, to] = span;
    // A little more than is in view, so that the curve reaches its edges.
    const margin = (to - from) / 20;
    const stop = new AbortController();
    const options = {
      names,
      since: timestamp(Math.max(0, from - margin)),
      until: timestamp(to + margin),
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
  }, [run, names, wish, coarse, axis, start]);
  return [detail, (zoom, pixels) => setWish({ zoom, pixels })];
}
