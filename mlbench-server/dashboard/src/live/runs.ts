import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { listRuns } from "../api/runs";
import type { Run } from "../api/wire";
import { setConnection } from "./connection";

/** All runs by ascending id, as of now. */
export interface RunsState {
  runs: readonly Run[];
  /** Whether the runs have been read once. */
  ready: boolean;
  /** Why the last attempt to read them failed. */
  error: Error | undefined;
}

const state = signal<RunsState>({ runs: [], ready: false, error: undefined });

/** Follows all runs while a component is shown. */
export function useRuns(): RunsState {
  useEffect(() => {
    refreshRuns();
    const timer = setInterval(refreshRuns, 2000);
    return () => clearInterval(timer);
  }, []);
  return state.value;
}

/** Reads the runs again. */
export function refreshRuns(): void {
  listRuns().then(
    (runs) => {
      state.value = { runs, ready: true, error: undefined };
      setConnection({ state: "live" });
    },
    (error: unknown) => {
      state.value = { ...state.peek(), error: error instanceof Error ? error : new Error(String(error)) };
      setConnection({ state: "lost", since: Date.now(), polling: true });
    },
  );
}
