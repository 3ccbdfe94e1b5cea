import { useEffect, useState } from "preact/hooks";

import { getComparison } from "../../api/comparison";
import { isFinal } from "../../api/problem";
import type { Comparison } from "../../api/wire";

/** A comparison as of now. */
export interface ComparisonState {
  comparison: Comparison | undefined;
  error: unknown;
  /** Whether what is shown belongs to an earlier question. */
  stale: boolean;
}

/** How often the comparison of active runs is read, and how long to wait after an error, in milliseconds. */
const INTERVAL = 5_000;
/** How long the parameters must rest: somebody may be typing. */
const REST = 200;

/** Follows a comparison; `states` changes with the states of its runs, `active` says whether one goes on. */
export function useComparison(
  query: string,
  states: string,
  active: boolean,
): [ComparisonState, retry: () => void] {
  const [state, setState] = useState<ComparisonState & { of: string }>({
    comparison: undefined,
    error: undefined,
    stale: false,
    of: "",
  });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    if (query === "") return;
    const stop = new AbortController();
    const read = async () => {
      let again = active;
      try {
        const comparison = await getComparison(new URLSearchParams(query), stop.signal);
        setState({ comparison, error: undefined, stale: false, of: query });
      } catch (error) {
        if (stop.signal.aborted) return;
        setState((before) => {
          const comparison = before.of === query ? before.comparison : undefined;
          return { comparison, error, stale: false, of: query };
        });
        again = !isFinal(error);
      }
      if (again && !stop.signal.aborted) timer = setTimeout(() => void read(), INTERVAL);
    };
    let timer = setTimeout(() => void read(), REST);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [query, states, active, attempt]);
  return [{ ...state, stale: state.of !== query }, () => setAttempt(attempt + 1)];
}
