import { useMemo, useState } from "preact/hooks";

import { messageOf, Problem } from "../../api/problem";
import { runColors } from "../../lib/colors";
import { query, setQuery } from "../../lib/navigation";
import { useTitle } from "../../lib/title";
import { refreshRuns, useRuns } from "../../live/runs";
import { later } from "../../parts/lazy";
import { Link } from "../../parts/link";
import { Button } from "../../parts/button";
import { Empty, Failure, Loading, Message } from "../../parts/message";
import { isActive } from "../../parts/state";
import { idsText, readCompared, requestQuery, withRuns } from "./address";
import { Chosen } from "./chosen";
import { Curves } from "./curves";
import { Settings } from "./settings";
import { Summary } from "./summary-table";
import { useComparison } from "./use-comparison";

const Differences = later(() => import("./later").then((module) => module.Differences));
const Choose = later(() => import("./later").then((module) => module.Choose), <Loading what="the list" />);
const Drawings = later(() => import("./drawings").then((module) => module.Drawings));

/** Compares runs: time to accuracy, speed-up, phases and curves. */
export function ComparePage() {
  const { runs, ready, error } = useRuns();
  const compared = readCompared(query.value);
  const key = compared.ids.join(",");
  const ids = useMemo(() => (key === "" ? [] : key.split(",").map(Number)), [key]);
  useTitle(
    ids.length === 0 ? "Compare runs" : `Compare ${ids.length === 1 ? "run" : "runs"} ${idsText(ids)}`,
  );
  const colors = useMemo(() => runColors(ids), [ids]);
  const chosen = useMemo(() => {
    const wanted = new Set(ids);
    return runs.filter(({ id }) => wanted.has(id));
  }, [runs, ids]);
  const states = chosen.map(({ id, state }) => `${id} ${state}`).join();
  // The list of runs says which of them still exist: the others are shown, but not compared.
  const known = useMemo(() => (ready ? chosen.map(({ id }) => id) : ids), [ready, chosen, ids]);
  const knownKey = known.join(",");
  const drawn = useMemo(() => (knownKey === "" ? [] : knownKey.split(",").map(Number)), [knownKey]);
  const missing = ids.filter((id) => !known.includes(id));
  const wait = known.length === 0 || (!ready && error === undefined);
  const request = wait ? "" : requestQuery(withRuns(compared, known)).toString();
  const [state, retry] = useComparison(request, states, chosen.some(isActive));
  // The list stays open for the second run.
  const [open, setOpen] = useState(false);
  const choose = (next: readonly number[]) => {
    if (ids.length === 0) setOpen(true);
    setQuery({ runs: idsText(next), zoom: null });
  };
  const problem = state.stale || state.error === undefined ? undefined : state.error;
  const field = problem instanceof Problem ? problem.field : undefined;
  const inField = field !== undefined && field !== "runs" && field !== "id";
  return (
    <div class="compare">
      <h1>Compare runs</h1>
      {error !== undefined && (
        <Failure what="The runs could not be read" error={error} onRetry={refreshRuns} />
      )}
      {ids.length === 0 && !ready && error === undefined && <Loading what="the runs" />}
      {ids.length === 0 && ready && runs.length === 0 && (
        <Empty title="No runs to compare">
          <p>
            Start some first, for instance with 1, 2 and 4 workers. <Link to="runs">Show the runs</Link>
          </p>
        </Empty>
      )}
      {ids.length > 0 && (
        <Chosen
          ids={ids}
          runs={runs}
          ready={ready}
          colors={colors}
          onChange={choose}
          open={open}
          onOpen={setOpen}
        />
      )}
      {(open || ids.length === 0) && runs.length > 0 && (
        <section key="choose" aria-labelledby="choose">
          <h2 id="choose">Choose runs</h2>
          <p class="compare-note">
            Runs with equal parameters are repeats of each other, and become one group.
          </p>
          <Choose runs={runs} ids={ids} onChange={choose} />
        </section>
      )}
      {ids.length > 0 && (
        <>
          <Settings
            compared={compared}
            comparison={state.comparison}
            problem={problem === undefined ? undefined : { field, text: messageOf(problem) }}
          />
          {problem !== undefined && !inField && (
            <Failure what="The runs could not be compared" error={problem} onRetry={retry} />
          )}
          {missing.length > 0 && (
            <Message tone="warn">
              <p>
                {missing.length === 1 ? "Run" : "Runs"} {idsText(missing)}{" "}
                {missing.length === 1 ? "does" : "do"} not exist, or no longer.
              </p>
              <Button onClick={() => choose(known)}>Remove</Button>
            </Message>
          )}
          {state.comparison === undefined && problem === undefined && missing.length < ids.length && (
            <Loading what="the comparison" />
          )}
          {ids.length === 1 && (
            <p class="compare-note">
              This is one run. A second one with another number of workers adds speed-up and efficiency; one
              with equal parameters adds a repeat.
            </p>
          )}
          {state.comparison !== undefined && known.length > 0 && (
            <div class={state.stale ? "compare-results stale" : "compare-results"} aria-busy={state.stale}>
              <Summary comparison={state.comparison} />
              <Drawings comparison={state.comparison} />
            </div>
          )}
          {chosen.some(({ params, tags }) => params ?? tags) && <Differences runs={chosen} />}
          <Curves ids={drawn} runs={chosen} colors={colors} comparison={state.comparison} />
        </>
      )}
    </div>
  );
}
