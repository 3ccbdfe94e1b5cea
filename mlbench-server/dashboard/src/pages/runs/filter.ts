import type { Run } from "../../api/wire";
import { runMatcher } from "../../api/run-search";
import { stateWord, workersOf } from "../../parts/state";
import { NO_BACKEND, NO_IMAGE, type RunsView } from "./view";

/** The runs that a view shows, and how many there are of each state before the states are chosen. */
export interface Filtered {
  runs: Run[];
  counts: Map<string, number>;
}

/** Returns the runs of a view, in the order of the list. */
export function filterRuns(runs: readonly Run[], view: RunsView): Filtered {
  const isFound = runMatcher(view.text);
  const matches = (run: Run) =>
    (view.image === "" || (run.image ?? NO_IMAGE) === view.image) &&
    (view.backend === "" || (run.backend ?? NO_BACKEND) === view.backend) &&
    (view.workers === "" || String(workersOf(run) ?? "") === view.workers) &&
    isFound(run);
  const matching = runs.filter(matches);
  const counts = new Map<string, number>();
  for (const run of matching) counts.set(stateWord(run), (counts.get(stateWord(run)) ?? 0) + 1);
  const states = new Set(view.states);
  return {
    runs: states.size === 0 ? matching : matching.filter((run) => states.has(stateWord(run))),
    counts,
  };
}

/** The values that the runs have, each for a select. */
export interface Choices {
  images: string[];
  backends: string[];
  workers: number[];
}

/** Returns the values that occur in the runs, in order. */
export function choices(runs: readonly Run[]): Choices {
  const images = new Set(runs.map((run) => run.image ?? NO_IMAGE));
  const backends = new Set(runs.map((run) => run.backend ?? NO_BACKEND));
  const workers = new Set(runs.map(workersOf).filter((count) => count !== undefined));
  return {
    images: [...images].sort(),
    backends: [...backends].sort(),
    workers: [...workers].sort((a, b) => a - b),
  };
}
