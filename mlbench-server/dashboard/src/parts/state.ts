import type { Run } from "../api/wire";

/** The words for the states of a run, in the order of a run's life. */
export const STATE_WORDS: Readonly<Record<string, string>> = {
  INITIALIZED: "Initialized",
  STARTED: "Started",
  FINISHED: "Finished",
  FAILED: "Failed",
  STOPPED: "Stopped",
};

/** What of a run decides about its word. */
export type Stateful = Pick<Run, "state" | "queue_position">;

/** Returns the word for the state of a run. A newer server may send states that this page does not know. */
export function stateWord(run: Stateful): string {
  return run.queue_position === undefined ? (STATE_WORDS[run.state] ?? run.state) : "Queued";
}

/** Returns the number of workers of a run, undefined for one that executes elsewhere and does not say it. */
export function workersOf(run: Pick<Run, "external" | "num_workers">): number | undefined {
  return run.external === true && run.num_workers === 1 ? undefined : run.num_workers;
}

/** What a stop cannot do. */
export const ELSEWHERE =
  "An external run executes elsewhere: it counts as stopped here, but its program goes on.";

/** Returns whether a run has not ended. */
export function isActive(run: Pick<Run, "finished_at">): boolean {
  return run.finished_at === null;
}

/** Returns the runs whose word is another one than before. New runs are no news. */
export function changedRuns<T extends Stateful & { id: number }>(
  before: ReadonlyMap<number, string>,
  runs: readonly T[],
): T[] {
  return runs.filter((run) => (before.get(run.id) ?? stateWord(run)) !== stateWord(run));
}
