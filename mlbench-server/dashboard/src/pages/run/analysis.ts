import { useEffect, useState } from "preact/hooks";

import { isFinal } from "../../api/problem";
import { sendJson } from "../../api/request";
import type { Comparison, Direction, Phases, Run, Timestamp } from "../../api/wire";
import { milliseconds } from "../../lib/format";

/** The analysis of one run. */
export interface Analysis {
  metric: string;
  goal: number | null;
  direction: Direction;
  /** Trainings that reached the goal, of all. */
  reached: number;
  trainings: number;
  /** When the first of them did, in milliseconds since 1970. */
  reachedAt: number | undefined;
  /** When the run left the queue, once it has ended. */
  startedAt: number | undefined;
  phases: Phases | undefined;
}

/** How often the analysis of an active run is read, in milliseconds. */
const INTERVAL = 10_000;

/** Follows the analysis of a run; undefined where the server has none. */
export function useAnalysis(run: Run): Analysis | undefined {
  const [analysis, setAnalysis] = useState<Analysis>();
  const { id, state, finished_at } = run;
  useEffect(() => {
    if (state === "INITIALIZED") return;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      let again = finished_at === null;
      try {
        const query = new URLSearchParams({ runs: String(id) });
        setAnalysis(
          analysisOf(
            await sendJson<Comparison>("api/comparison/", { query, signal: stop.signal }),
            finished_at,
          ),
        );
      } catch (error) {
        // An older server has no analysis, and a run may have nothing to analyse.
        again = !isFinal(error);
      }
      if (again && !stop.signal.aborted) timer = setTimeout(() => void read(), INTERVAL);
    };
    void read();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [id, state, finished_at]);
  return analysis;
}

function analysisOf(comparison: Comparison, finished: Timestamp | null): Analysis {
  const trainings = comparison.groups[0]?.trainings ?? [];
  const reached = trainings.filter((training) => training.reached);
  const dates = reached.flatMap(({ date }) => (date === null ? [] : [milliseconds(date)]));
  const seconds = comparison.runs[0]?.seconds ?? null;
  return {
    metric: comparison.metric,
    goal: comparison.goal,
    direction: comparison.direction,
    reached: reached.length,
    trainings: trainings.length,
    reachedAt: dates.length === 0 ? undefined : Math.min(...dates),
    startedAt: finished === null || seconds === null ? undefined : milliseconds(finished) - seconds * 1000,
    phases: comparison.runs[0]?.phases ?? undefined,
  };
}
