import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import type { Range, XAxis } from "../../charts/series";
import { timestamp } from "../../lib/time";
import { readDetail, restBefore, type Detail } from "../../live/detail";

/** A series of a run in the coarse form that zooming refines. */
export interface Coarse {
  run: number;
  name: string;
}

const NONE: ReadonlyMap<number, Detail> = new Map();

/** Reads the part of long series of several runs that is zoomed into; `spanOf` returns its times. */
export function useRunsDetail(
  coarse: readonly Coarse[],
  axis: XAxis,
  spanOf: (run: number, name: string, zoom: Range) => Range | undefined,
): [ReadonlyMap<number, Detail>, (zoom: Range | null, pixels: number) => void] {
  const [detail, setDetail] = useState(NONE);
  const [wish, setWish] = useState<{ zoom: Range | null; pixels: number }>({ zoom: null, pixels: 0 });
  const before = useRef(-Infinity);
  // Names may contain anything, so lists are compared as JSON.
  const key = JSON.stringify(coarse);
  const list = useMemo(() => JSON.parse(key) as Coarse[], [key]);
  const latest = useRef(spanOf);
  latest.current = spanOf;
  useEffect(() => {
    setDetail(NONE);
    const { zoom } = wish;
    if (zoom === null || list.length === 0) return;
    const pixels = Math.max(100, Math.round(wish.pixels));
    const stop = new AbortController();
    const now = performance.now();
    const rest = restBefore(now, before.current);
    before.current = now;
    const timer = setTimeout(() => {
      const reads = list.map(async ({ run, name }): Promise<[number, Detail] | undefined> => {
        const span = latest.current(run, name, zoom);
        if (span === undefined) return undefined;
        const [from, to] = span;
        // A little more than is in view, so that the curves reach its edges.
        const margin = (to - from) / 20;
        const since = timestamp(Math.max(0, from - margin));
        const until = timestamp(to + margin);
        const options = { names: [name], since, until, signal: stop.signal };
        // Without detail the coarse curve stays.
        return readDetail({ run }, pixels, options).then(
          (found) => [run, found],
          () => undefined,
        );
      });
      // Drawn once, when all are there: each drawing takes as long as the one of all.
      void Promise.all(reads).then((all) => {
        if (!stop.signal.aborted) setDetail(new Map(all.filter((found) => found !== undefined)));
      });
    }, rest);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [list, wish, axis]);
  return [detail, (zoom, pixels) => setWish({ zoom, pixels })];
}
