import { useMemo, useState } from "preact/hooks";

import type { Run } from "../../api/wire";
import { setQuery } from "../../lib/navigation";
import type { Pending } from "./confirmations";
import { changeIds, type Selection } from "./selection";

/** What the rows can do. */
export interface RowActions {
  toggleGroup: (key: string) => void;
  again: (run: Run) => void;
  stop: (runs: readonly Run[]) => void;
  remove: (runs: readonly Run[]) => void;
}

/** What of the list does not stand in the address: the selection, the open groups, the question. */
export function useListState() {
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [pending, setPending] = useState<Pending>();
  const selection: Selection = useMemo(
    () => ({
      has: (id) => selected.has(id),
      set: (runs, on) => setSelected((ids) => changeIds(ids, runs, on)),
      clear: () => setSelected(new Set()),
    }),
    [selected],
  );
  const actions: RowActions = useMemo(
    () => ({
      toggleGroup: (key) => setOpen((keys) => toggled(keys, key)),
      again: (run) => setQuery({ again: String(run.id) }),
      stop: (runs) => setPending({ action: "stop", runs }),
      remove: (runs) => setPending({ action: "delete", runs }),
    }),
    [],
  );
  return { selection, open, actions, pending, closePending: () => setPending(undefined) };
}

function toggled(keys: ReadonlySet<string>, key: string): Set<string> {
  const next = new Set(keys);
  if (!next.delete(key)) next.add(key);
  return next;
}
