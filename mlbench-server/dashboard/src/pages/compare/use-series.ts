import { useLayoutEffect, useMemo, useState } from "preact/hooks";

import type { SeriesInfo } from "../../api/metrics";
import type { Watch } from "../../live/points";
import type { SeriesView } from "../../live/series";
import { pointsOf } from "../../live/use-points";

/** How long the second reading of the lists of metrics rests, so that the first charts come before it, in milliseconds. */
const REST = 2_000;

/** Follows which metrics runs have while a component is shown; a run is missing until they are known. */
export function useCatalogs(ids: readonly number[]): ReadonlyMap<number, readonly SeriesInfo[]> {
  const stores = useMemo(() => ids.map((run) => ({ run, store: pointsOf({ run }) })), [ids]);
  useLayoutEffect(() => {
    const releases = stores.map(({ store }) => store.use(REST));
    return () => {
      for (const release of releases) release();
    };
  }, [stores]);
  const catalogs = stores.map(({ run, store }) => [run, store.catalog.value] as const);
  return new Map(
    catalogs.flatMap(([run, catalog]) => (catalog === undefined ? [] : [[run, catalog] as const])),
  );
}

/** Follows series of several runs while a component is shown. */
export function useSeries(
  wanted: ReadonlyMap<number, readonly string[]>,
): ReadonlyMap<number, ReadonlyMap<string, SeriesView>> {
  // Names may contain anything, so lists are compared as JSON.
  const key = JSON.stringify([...wanted]);
  const list = useMemo(() => JSON.parse(key) as [number, string[]][], [key]);
  const [watches, setWatches] = useState<{ run: number; watch: Watch }[]>([]);
  useLayoutEffect(() => {
    const next = list.map(([run, names]) => ({ run, watch: pointsOf({ run }).watch(names) }));
    setWatches(next);
    return () => {
      for (const { watch } of next) watch.stop();
    };
  }, [list]);
  return new Map(watches.map(({ run, watch }) => [run, watch.series.value]));
}
