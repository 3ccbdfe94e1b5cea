import type { Run } from "../../api/wire";

/** The runs that are selected in the list. */
export interface Selection {
  has: (id: number) => boolean;
  /** Selects runs, or no longer. */
  set: (runs: readonly Run[], selected: boolean) => void;
  clear: () => void;
}

/** Returns the ids with those of the runs added or removed. */
export function changeIds(ids: ReadonlySet<number>, runs: readonly Run[], selected: boolean): Set<number> {
  const next = new Set(ids);
  for (const { id } of runs) {
    if (selected) next.add(id);
    else next.delete(id);
  }
  return next;
}
