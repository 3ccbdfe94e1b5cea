import { signal } from "@preact/signals";
import { useMemo, useState } from "preact/hooks";

import { withWord } from "../../api/run-search";
import type { Run } from "../../api/wire";
import { query, setQuery } from "../../lib/navigation";
import type { Pending } from "./confirmations";
import { changeIds, type Selection } from "./selection";

/** What the rows can do. */
export interface RowActions {
  toggleGroup: (key: string) => void;
  again: (run: Run) => void;
  /** Adds a word to the search. */
  find: (word: string) => void;
  stop: (runs: readonly Run[]) => void;
  remove: (runs: readonly Run[]) => void;
}

// Both outlive a visit to a run and the way back.
const selected = signal<ReadonlySet<number>>(new Set());
const open = signal<ReadonlySet<string>>(new Set());

/** The state of the list that the address leaves out: the selection, the open groups, the question. */
export function useListState() {
  const ids = selected.value;
  const [pending, setPending] = useState<Pending>();
  const selection: Selection = useMemo(
    () => ({
      has: (id) => ids.has(id),
      set: (runs, on) => (selected.value = changeIds(selected.peek(), runs, on)),
      clear: () => (selected.value = new Set()),
    }),
    [ids],
  );
  const actions: RowActions = useMemo(
    () => ({
      toggleGroup: (key) => (open.value = toggled(open.peek(), key)),
      again: (run) => setQuery({ again: String(run.id) }),
      find: (word) => {
        const text = query.peek().get("q")?.trim() ?? "";
        setQuery({ q: withWord(text, word) });
      },
      stop: (runs) => setPending({ action: "stop", runs }),
      remove: (runs) => setPending({ action: "delete", runs }),
    }),
    [],
  );
  return { selection, open: open.value, actions, pending, closePending: () => setPending(undefined) };
}

function toggled(keys: ReadonlySet<string>, key: string): Set<string> {
  const next = new Set(keys);
  if (!next.delete(key)) next.add(key);
  return next;
}
