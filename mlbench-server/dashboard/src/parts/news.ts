import { useEffect, useRef } from "preact/hooks";

import type { Run } from "../api/wire";
import { changedRuns, isActive, stateWord } from "./state";
import { announce, toast } from "./toast";

/** Reports when a run of the list changes its state: an end so that everybody notices, the rest to screen readers. */
export function useRunNews(runs: readonly Run[]): void {
  const before = useRef<ReadonlyMap<number, string>>(new Map());
  useEffect(() => {
    for (const run of changedRuns(before.current, runs)) {
      const text = `Run ${run.id} "${run.name}" ${stateWord(run).toLowerCase()}`;
      if (isActive(run)) announce(text);
      else toast(run.state === "FAILED" ? "bad" : run.state === "FINISHED" ? "good" : "idle", text);
    }
    before.current = new Map(runs.map((run) => [run.id, stateWord(run)]));
  }, [runs]);
}
