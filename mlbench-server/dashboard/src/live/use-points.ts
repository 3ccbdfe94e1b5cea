import { useLayoutEffect, useMemo, useState } from "preact/hooks";

import { ownerKey, type Owner, type SeriesInfo } from "../api/metrics";
import { hub } from "./hub";
import { PointsStore, type Watch } from "./points";
import type { SeriesView } from "./series";

/** How many owners keep their points although no part of the page shows them. */
const KEPT = 8;

const stores = new Map<string, PointsStore>();

/** Returns the store of a run or pod, or of its last `span` seconds. */
export function pointsOf(owner: Owner, span?: number): PointsStore {
  const key = `${ownerKey(owner)} ${span ?? ""}`;
  const store = stores.get(key) ?? new PointsStore(hub, owner, span);
  stores.delete(key);
  const idle = [...stores].filter(([, { idle }]) => idle);
  for (const [old] of idle.slice(0, Math.max(0, idle.length - KEPT))) stores.delete(old);
  stores.set(key, store);
  return store;
}

/** Follows which metrics a run or pod has while a component is shown; undefined until they are known. */
export function useCatalog(store: PointsStore): readonly SeriesInfo[] | undefined {
  useLayoutEffect(() => store.use(), [store]);
  return store.catalog.value;
}

/** Follows series of a run or pod while a component is shown. */
export function usePoints(store: PointsStore, names: readonly string[]): ReadonlyMap<string, SeriesView> {
  // Names may contain anything, so lists are compared as JSON.
  const key = JSON.stringify(names);
  const list = useMemo(() => JSON.parse(key) as string[], [key]);
  const [watch, setWatch] = useState<Watch>();
  useLayoutEffect(() => {
    const next = store.watch(list);
    setWatch(next);
    return () => next.stop();
  }, [store, list]);
  return watch?.series.value ?? NONE;
}

const NONE: ReadonlyMap<string, SeriesView> = new Map();
