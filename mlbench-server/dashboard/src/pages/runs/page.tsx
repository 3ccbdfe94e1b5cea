import { useEffect, useMemo, useRef } from "preact/hooks";

import type { Run } from "../../api/wire";
import { count, plural } from "../../lib/format";
import { useShortcuts, type Shortcut } from "../../lib/keys";
import { navigate, query, setQuery } from "../../lib/navigation";
import { useTitle } from "../../lib/title";
import { refreshRuns, useRuns } from "../../live/runs";
import { Button } from "../../parts/button";
import { Empty, Failure, Loading } from "../../parts/message";
import { later } from "../../parts/lazy";
import { useRunNews } from "../../parts/news";
import { isActive } from "../../parts/state";
import { Table, type TableHandle } from "../../parts/table";
import { columns, LABEL_WIDTH } from "./columns";
import { choices, filterRuns } from "./filter";
import { groupedItems, keyOf, plainItems, runsOf, type Item } from "./group";
import { labelKeys } from "./labels";
import { useListState, type RowActions } from "./list-state";
import { isMeasure } from "./measure";
import { resume, want } from "./newest";
import { Queue } from "./queue";
import { sortRuns } from "./sort";
import { showAll, Toolbar } from "./toolbar";
import { useValues } from "./values";
import { readView, sortParameter } from "./view";

const Confirmation = later(() => import("./later").then((module) => module.Confirmation));
const StartDialog = later(() => import("./later").then((module) => module.StartDialog));

const start = () => setQuery({ start: "1" });

/** All runs. */
export function RunsPage() {
  useTitle("Runs");
  return (
    <>
      <Content />
      {(query.value.has("start") || query.value.has("again")) && <StartDialog />}
    </>
  );
}

function Content() {
  const { runs, ready, error } = useRuns();
  useRunNews(runs);
  if (ready) return runs.length === 0 ? <NoRuns /> : <Runs runs={runs} />;
  return (
    <>
      <h1>Runs</h1>
      {error === undefined ? (
        <Loading what="runs" />
      ) : (
        <Failure what="The runs could not be read" error={error} onRetry={refreshRuns} />
      )}
    </>
  );
}

function NoRuns() {
  return (
    <>
      <h1>Runs</h1>
      <Empty title="No runs yet">
        <p>
          A run executes one program on one or more workers and records what it measures. The built-in
          benchmark needs nothing but a name.
        </p>
        <Button kind="primary" onClick={start}>
          Start run
        </Button>
      </Empty>
    </>
  );
}

function Runs({ runs }: { runs: readonly Run[] }) {
  const parameters = query.value;
  const view = useMemo(() => readView(parameters), [parameters]);
  const { selection, open, actions, pending, closePending } = useListState();
  const table = useRef<TableHandle>(null);

  const { runs: filtered, counts } = useMemo(() => filterRuns(runs, view), [runs, view]);
  const offered = useMemo(() => choices(runs), [runs]);
  const labels = useMemo(() => labelKeys(runs), [runs]);
  const values = useValues(runs, view.grouped || isMeasure(view.sort.key));
  const sorted = useMemo(
    () => sortRuns(filtered, view.sort, Date.now(), values),
    [filtered, view.sort, values],
  );
  const items = useMemo(
    () => (view.grouped ? groupedItems(sorted, open, { sort: view.sort, values }) : plainItems(sorted)),
    [view, sorted, open, values],
  );
  const chosen = useMemo(() => runs.filter((run) => selection.has(run.id)), [runs, selection]);
  const shown = useMemo(
    () => columns(selection, actions, sorted, values, view.labels),
    [selection, actions, sorted, values, view.labels],
  );
  const isSelected = (item: Item) => runsOf(item).every((run) => selection.has(run.id));

  useShortcuts(useMemo(() => keys(table), []));
  useEffect(() => () => want([]), []);
  useEffect(resume, [values]);

  return (
    <div class="runs" style={{ "--labels": `${view.labels.length * LABEL_WIDTH}px` }}>
      <div class="heading">
        <h1>
          Runs <span class="count">{countOf(filtered.length, runs.length)}</span>
        </h1>
        {chosen.length > 0 && <Chosen runs={chosen} onClear={selection.clear} actions={actions} />}
        <Button kind="primary" onClick={start}>
          Start run
        </Button>
      </div>
      <Queue runs={runs} onStop={actions.stop} />
      <Toolbar view={view} counts={counts} values={offered} labels={labels} />
      {items.length === 0 ? (
        <Empty title="No run matches">
          <p>{plural(runs.length, "run")} are hidden by the filters.</p>
          <Button onClick={showAll}>Clear filters</Button>
        </Empty>
      ) : (
        <Table
          caption="Runs"
          columns={shown}
          rows={items}
          keyOf={keyOf}
          rowHeight={48}
          rowClass={(item) => ("run" in item ? (item.member ? "member" : "") : "group")}
          selected={isSelected}
          sort={view.sort}
          onSort={(key) => setQuery({ sort: sortParameter(view.sort, key) })}
          onOpen={(item) =>
            "run" in item ? navigate(`runs/${item.run.id}`) : actions.toggleGroup(item.group.key)
          }
          onToggle={(item) => selection.set(runsOf(item), !isSelected(item))}
          order={JSON.stringify(view)}
          onVisible={wantValues}
          handle={table}
        />
      )}
      {pending !== undefined && <Confirmation pending={pending} onClose={closePending} />}
    </div>
  );
}

function countOf(shown: number, all: number): string {
  const total = count(all);
  return shown === all ? total : `${count(shown)} of ${total}`;
}

function wantValues(items: readonly Item[]) {
  want(items.flatMap((item) => ("run" in item ? [item.run] : [])));
}

interface ChosenProps {
  runs: readonly Run[];
  actions: RowActions;
  onClear: () => void;
}

/** What can be done with the selected runs. */
function Chosen({ runs, actions, onClear }: ChosenProps) {
  const active = runs.filter(isActive);
  return (
    <div class="chosen" role="group" aria-label="Selected runs">
      <span>{count(runs.length)} selected</span>
      <Button onClick={() => navigate(`compare?runs=${runs.map(({ id }) => id).join(",")}`)}>Compare</Button>
      {active.length > 0 && <Button onClick={() => actions.stop(active)}>Stop</Button>}
      <Button onClick={() => actions.remove(runs)}>Delete</Button>
      <Button kind="quiet" onClick={onClear}>
        Clear selection
      </Button>
    </div>
  );
}

function keys(table: { current: TableHandle | null }): Shortcut[] {
  const group = "Runs";
  return [
    { keys: "/", label: "Search", group, run: () => document.getElementById("search")?.focus() },
    { keys: "j", label: "Move to the next run", group, run: () => table.current?.move(1) },
    { keys: "k", label: "Move to the run before", group, run: () => table.current?.move(-1) },
  ];
}
