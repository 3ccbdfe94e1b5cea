import { useMemo, useState } from "preact/hooks";

import type { Run } from "../../api/wire";
import { plural } from "../../lib/format";
import { runMatcher } from "../../api/run-search";
import { StateBadge } from "../../parts/badge";
import { workersOf } from "../../parts/state";
import { Ago, Cut } from "../../parts/text";
import { fits } from "./address";

/** How many runs are listed at once; the search finds the others. */
const LISTED = 50;

/** A list of runs to choose from, the newest first. */
export function Choose(props: {
  runs: readonly Run[];
  ids: readonly number[];
  onChange: (ids: number[]) => void;
}) {
  const { runs, ids, onChange } = props;
  const [search, setSearch] = useState("");
  const found = useMemo(() => findRuns(runs, search), [runs, search]);
  const chosen = new Set(ids);
  const change = (id: number, on: boolean) =>
    onChange([...ids.filter((other) => other !== id), ...(on ? [id] : [])].sort((a, b) => a - b));
  return (
    <div class="compare-choose">
      <input
        type="search"
        aria-label="Search runs to compare"
        placeholder="Search, or tag:team=vision, param:lr<0.1"
        value={search}
        onInput={(event) => setSearch(event.currentTarget.value)}
      />
      <ul>
        {found.slice(0, LISTED).map((run) => {
          const on = chosen.has(run.id);
          return (
            <li key={run.id}>
              <label>
                <input
                  type="checkbox"
                  checked={on}
                  disabled={!on && !fits([...ids, run.id])}
                  onChange={(event) => change(run.id, event.currentTarget.checked)}
                />
                <span class="compare-id">#{run.id}</span>
                <Cut text={run.name} class="compare-name" />
                <span class="compare-workers">{workersText(run)}</span>
                <StateBadge run={run} />
                <span class="compare-age">
                  <Ago date={run.created_at} />
                </span>
              </label>
            </li>
          );
        })}
      </ul>
      <p class="compare-note" role="status">
        {found.length === 0 ? `No run contains “${search}”.` : ""}
        {found.length > LISTED ? `The newest ${LISTED} of ${found.length} runs; search for others.` : ""}
      </p>
    </div>
  );
}

function workersText(run: Run): string {
  const workers = workersOf(run);
  return workers === undefined ? "external" : plural(workers, "worker");
}

/** Returns the runs that a search finds, the newest first. */
export function findRuns(runs: readonly Run[], search: string): Run[] {
  return runs.filter(runMatcher(search)).reverse();
}
