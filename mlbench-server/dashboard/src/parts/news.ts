import { useEffect, useRef } from "preact/hooks";

import type { Run } from "../api/wire";
import { isActive, stateWord } from "./state";
import { announce, toast } from "./toast";

/** Tells when a run of the list changes its state: an end so that everybody notices, the rest to screen readers. */
export function useRunNews(runs: readonly Run[]): void {
  const before = useRef<Map<number, string>>(undefined);
  useEffect(() => {
    const known = before.current;
    const words = new Map(runs.map((run) => [run.id, stateWord(run)]));
    if (known !== undefined) {
      for (const run of runs) {
        const word = words.get(run.id);
        const last = known.get(run.id);
        if (last === undefined || last === word || word === undefined) continue;
        const text = `Run ${run.id} "${run.name}" ${word.toLowerCase()}`;
        if (isActive(run)) announce(text);
        else toast(run.state === "FAILED" ? "bad" : run.state === "FINISHED" ? "good" : "idle", text);
      }
    }
    if (runs.length > 0) before.current = words;
  }, [runs]);
}
