import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import type { Range, XAxis } from "../../charts/series";
import { timestamp } from "../../lib/time";
import { readDetail, restBefore, type Detail } from "../../live/detail";

/** A series of a run in the coarse form that zooming refines, and the zero of its times. */
export interface Coarse {
  run: number;
  name: string;
  /** Seconds since 1970 where the x axis has its zero. */
  zero: number;
}

const NONE: ReadonlyMap<number, Detail> = new Map();

/** Reads the part of long series of several runs that is zoomed into. */
export function useRunsDetail(
  coarse: readonly Coarse[],
  axis: XAxis,
): [ReadonlyMap<number, Detail>, (zoom: Range | null, pixels: number) => void] {
  const [detail, setDetail] = useState(NONE);
  const [wish, setWish] = useState<{ zoom: Range | null; pixels: number }>({ zoom: null, pixels: 0 });
  const before = useRef(-Infinity);
  const isTime = axis === "relative" || axis === "wall";
  // Names may contain anything, so lists are compared as JSON.
  const key = JSON.stringify(isTime ? coarse : []);
  const list = useMemo(() => JSON.parse(key) as Coarse[], [key]);
  useEffect(() => {
    setDetail(NONE);
    if (wish.zoom === null || list.length === 0) return;
    const [from, to] = wish.zoom;
    // A little more than is in view, so that the curves reach its edges.
    const margin = (to - from) / 20;
    const pixels = Math.max(100, Math.round(wish.pixels));
    const stop = new AbortController();
    const now = performance.now();
    const rest = restBefore(now, before.current);
    before.current = now;
    const timer = setTimeout(() => {
      for (const { run, name, zero } of list) {
        const since = timestamp(zero + from - margin);
        const until = timestamp(zero + to + margin);
        // Without detail the coarse curve stays.
        readDetail({ run }, pixels, { names: [name], since, until, signal: stop.signal }).then(
          (found) => setDetail((known) => new Map([...known, [run, found]])),
          () => undefined,
        );
      }
    }, rest);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [list, wish]);
  return [detail, (zoom, pixels) => setWish({ zoom, pixels })];
}
