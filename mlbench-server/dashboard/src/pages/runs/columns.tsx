import type { Run } from "../../api/wire";
import { COLORS, runColors } from "../../lib/colors";
import { count, duration, number, plural } from "../../lib/format";
import { StateBadge } from "../../parts/badge";
import { Link } from "../../parts/link";
import { Menu, type MenuAction } from "../../parts/popover";
import { tagWord } from "../../api/run-search";
import { isActive, stateWord, workersOf } from "../../parts/state";
import type { Column } from "../../parts/row";
import { shownTags } from "../../parts/tags";
import { Ago, Cut, Elapsed } from "../../parts/text";
import { runsOf, type Item } from "./group";
import { distinctValues, isNumeric, labelName, type LabelKey } from "./labels";
import type { RowActions } from "./list-state";
import { median, valueOf, type Measure, type ValuesById } from "./measure";
import { newestOf, useLiveValue, type Newest } from "./newest";
import type { Selection } from "./selection";
import { program, shortProgram } from "./sort";
import { SPARK, sparkPath } from "./spark";

/** Returns the columns of the list of runs. */
export function columns(
  selection: Selection,
  actions: RowActions,
  shown: readonly Run[],
  values: ValuesById,
  labels: readonly LabelKey[],
): Column<Item>[] {
  return [
    selectColumn(selection, shown),
    {
      key: "id",
      header: "Id",
      width: "60px",
      class: "end",
      sortable: true,
      cell: (item) => runCell(item, (run) => run.id),
    },
    {
      key: "name",
      header: "Name",
      class: "pinned",
      sortable: true,
      cell: (item, tab) => <Name {...{ item, tab, actions }} />,
    },
    { key: "state", header: "State", sortable: true, cell: (item) => <State item={item} /> },
    {
      key: "accuracy",
      header: "Accuracy",
      width: "136px",
      class: "end",
      sortable: true,
      cell: (item) => <Value item={item} which="accuracy" values={values} />,
    },
    {
      key: "loss",
      header: "Loss",
      width: "136px",
      class: "end",
      sortable: true,
      cell: (item) => <Value item={item} which="loss" values={values} />,
    },
    ...labels.map((label) => labelColumn(label, shown)),
    {
      key: "workers",
      header: "Workers",
      width: "80px",
      class: "end",
      sortable: true,
      cell: (item) => <Workers item={item} />,
    },
    {
      key: "backend",
      header: "Backend",
      width: "92px",
      sortable: true,
      cell: (item) => <Cut text={first(item)?.backend ?? "–"} />,
    },
    {
      key: "program",
      header: "Program",
      sortable: true,
      cell: (item) => <Program item={item} />,
    },
    {
      key: "duration",
      header: "Duration",
      width: "116px",
      class: "end",
      sortable: true,
      cell: (item) => <Duration item={item} />,
    },
    {
      key: "created",
      header: "Created",
      width: "112px",
      class: "end",
      sortable: true,
      cell: (item) => runCell(item, (run) => <Ago date={run.created_at} />),
    },
    {
      key: "menu",
      header: <span class="unseen">Actions</span>,
      width: "44px",
      cell: (item, tab) => <RowMenu {...{ item, tab, actions }} />,
    },
  ];
}

/** How many tags a row shows. */
const TAGS = 3;

interface CellProps {
  item: Item;
  tab: 0 | -1;
  actions: RowActions;
}

function selectColumn(selection: Selection, shown: readonly Run[]): Column<Item> {
  const all = shown.length > 0 && shown.every((run) => selection.has(run.id));
  return {
    key: "select",
    width: "40px",
    class: "pinned select",
    header: (
      <input
        type="checkbox"
        aria-label="Select all runs"
        checked={all}
        onChange={() => selection.set(shown, !all)}
      />
    ),
    cell: (item, tabIndex) => {
      const runs = runsOf(item);
      const selected = runs.filter((run) => selection.has(run.id)).length;
      return (
        <input
          type="checkbox"
          tabIndex={tabIndex}
          aria-label={"run" in item ? `Select run ${item.run.id}` : `Select ${plural(runs.length, "run")}`}
          checked={selected === runs.length}
          indeterminate={selected > 0 && selected < runs.length}
          onChange={() => selection.set(runs, selected < runs.length)}
        />
      );
    },
  };
}

function first(item: Item): Run | undefined {
  return runsOf(item)[0];
}

function runCell<T>(item: Item, cell: (run: Run) => T): T | undefined {
  return "run" in item ? cell(item.run) : undefined;
}

function Name({ item, tab, actions }: CellProps) {
  if ("run" in item) {
    const tags = shownTags(item.run);
    return (
      <div class={item.member ? "member" : ""}>
        <Link to={`runs/${item.run.id}`} tabIndex={tab} class="run-name">
          <Cut text={item.run.name} />
        </Link>
        {tags.length > 0 && (
          <div class="row-tags">
            {tags.slice(0, TAGS).map(([name, value]) => (
              <button
                key={name}
                type="button"
                class="tag"
                tabIndex={tab}
                aria-label={`Tag ${name}: ${value}`}
                title={`${name}: ${value}\nClick: only runs with this tag.`}
                onClick={() => actions.find(tagWord(name, value))}
              >
                {value === "" ? name : value}
              </button>
            ))}
            {tags.length > TAGS && <span class="why">+{tags.length - TAGS}</span>}
          </div>
        )}
      </div>
    );
  }
  const { key, runs } = item.group;
  const names = new Set(runs.map((run) => run.name));
  const [name = ""] = names;
  return (
    <button
      type="button"
      class="group-name"
      tabIndex={tab}
      aria-expanded={item.open}
      onClick={() => actions.toggleGroup(key)}
    >
      <span class="twist" aria-hidden="true" />
      <Cut text={names.size === 1 ? name : `${name} and others`} />
      <span class="count">{plural(runs.length, "run")}</span>
    </button>
  );
}

function State({ item }: { item: Item }) {
  if ("run" in item) {
    const { run } = item;
    const why = run.waiting_for === undefined ? run.job_metadata.reason : `waiting: ${run.waiting_for}`;
    return (
      <>
        <StateBadge run={run} />
        {why !== null && <Cut text={why} class="why" />}
      </>
    );
  }
  const counts = new Map<string, number>();
  for (const run of item.group.runs) counts.set(stateWord(run), (counts.get(stateWord(run)) ?? 0) + 1);
  const words = [...counts].map(([word, runs]) => `${count(runs)} ${word.toLowerCase()}`);
  return <Cut text={words.join(", ")} class="why" />;
}

function Workers({ item }: { item: Item }) {
  const run = first(item);
  return <>{run === undefined ? undefined : (workersOf(run) ?? <span class="none">–</span>)}</>;
}

/** Returns the column of a parameter or tag. */
function labelColumn(key: LabelKey, shown: readonly Run[]): Column<Item> {
  const name = labelName(key);
  return {
    key,
    header: <Cut text={name} full={`${key.startsWith("tag:") ? "Tag" : "Parameter"} ${name}`} />,
    width: `${LABEL_WIDTH}px`,
    class: isNumeric(shown, key) ? "end" : "",
    sortable: true,
    cell: (item) => {
      const found = distinctValues(runsOf(item), key);
      const [value] = found;
      if (value === undefined) return <span class="none">–</span>;
      if (found.length > 1) return <span class="why">{plural(found.length, "value")}</span>;
      return <Cut text={value} />;
    },
  };
}

/** The width of the column of a parameter or tag, in pixels. */
export const LABEL_WIDTH = 120;

function Program({ item }: { item: Item }) {
  const run = first(item);
  if (run === undefined) return null;
  if (run.external === true && program(run) === "") {
    return (
      <span class="program" title="The run executes elsewhere and reports to this server">
        External
      </span>
    );
  }
  const look = run.image === null ? "program code" : "program";
  return <Cut text={shortProgram(run)} full={program(run)} class={look} />;
}

function Duration({ item }: { item: Item }) {
  if ("run" in item) return <Elapsed from={item.run.created_at} to={item.run.finished_at} />;
  const { median } = item.group;
  if (Number.isNaN(median)) return <span>–</span>;
  return (
    <>
      {duration(median)}
      <span class="why"> median</span>
    </>
  );
}

interface ValueProps {
  which: Measure;
  values: ValuesById;
}

function Value({ item, which, values }: ValueProps & { item: Item }) {
  if ("group" in item) return <Median {...{ which, values }} runs={item.group.runs} />;
  const { run } = item;
  // A run that waits has measured nothing, and one that ended measures nothing more.
  if (run.state === "STARTED") return <LiveValue run={run} which={which} />;
  return <Newest id={run.id} newest={isActive(run) ? undefined : newestOf(run.id, which)} />;
}

/** The median of the repeats, and how many of them have a value. */
function Median({ runs, which, values }: ValueProps & { runs: readonly Run[] }) {
  const { median: middle, count: found } = median(runs.map((run) => valueOf(run, which, values)));
  if (found === 0) return <span class="none">–</span>;
  const of = `${count(found)} of ${count(runs.length)}`;
  return (
    <span title={`Median of the newest values; ${of} runs have one`}>
      {number(middle)}
      <span class="why"> {of}</span>
    </span>
  );
}

function LiveValue({ run, which }: { run: Run; which: Measure }) {
  return <Newest id={run.id} newest={useLiveValue(run.id, which)} />;
}

function Newest({ id, newest }: { id: number; newest: Newest | undefined }) {
  if (newest === undefined) return <span class="none">–</span>;
  const path = sparkPath(newest.values);
  return (
    <span class="newest" title={newest.name}>
      {path !== "" && (
        <svg class="spark" width={SPARK.width} height={SPARK.height} aria-hidden="true">
          <path d={path} style={{ stroke: `var(--curve-${(runColors([id]).get(id) ?? 0) % COLORS})` }} />
        </svg>
      )}
      <span class="value">{number(newest.value)}</span>
    </span>
  );
}

function RowMenu({ item, tab, actions }: CellProps) {
  const runs = runsOf(item);
  const active = runs.filter(isActive);
  const [run] = runs;
  const list: MenuAction[] = [];
  if (run !== undefined && run.external !== true)
    list.push({ label: "Start again", run: () => actions.again(run) });
  if (active.length > 0) list.push({ label: "Stop", run: () => actions.stop(active) });
  list.push({ label: "Delete", danger: true, run: () => actions.remove(runs) });
  const label = "run" in item ? `Actions of run ${item.run.id}` : `Actions of ${plural(runs.length, "run")}`;
  return <Menu button="⋯" label={label} class="icon" tabIndex={tab} actions={list} />;
}
