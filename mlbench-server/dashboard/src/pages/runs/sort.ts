import type { Run } from "../../api/wire";
import { milliseconds } from "../../lib/format";
import type { Sort } from "../../parts/sort";
import { stateWord } from "../../parts/state";
import { compareLabels, isLabelKey, labelOf } from "./labels";
import { compareNumbers, isMeasure, valueOf, type ValuesById } from "./measure";

/** Returns the runs by a column; equal ones by descending id. An unknown column sorts by id. */
export function sortRuns(
  runs: readonly Run[],
  { key, descending }: Sort,
  now: number,
  values: ValuesById = new Map(),
): Run[] {
  const sorted = runs.slice();
  if (isMeasure(key)) {
    const number = (run: Run) => valueOf(run, key, values);
    return sorted.sort((a, b) => compareNumbers(number(a), number(b), descending) || b.id - a.id);
  }
  if (isLabelKey(key)) {
    return sorted.sort((a, b) => compareLabels(labelOf(a, key), labelOf(b, key), descending) || b.id - a.id);
  }
  if (key === "id" || !isColumn(key)) return sorted.sort((a, b) => (descending ? b.id - a.id : a.id - b.id));
  const keys = new Map(runs.map((run) => [run, comparable(COLUMNS[key](run, now))]));
  return sorted.sort((a, b) => {
    const [left, right] = [keys.get(a) ?? 0, keys.get(b) ?? 0];
    const order = left < right ? -1 : left > right ? 1 : 0;
    return (descending ? -order : order) || b.id - a.id;
  });
}

/** Texts without regard to case, with their numbers by value. A collator would take ten times as long. */
function comparable(value: string | number): string | number {
  if (typeof value === "number") return value;
  return value.toLowerCase().replace(/[0-9]+/g, (digits) => digits.padStart(16, "0"));
}

/** The milliseconds from the creation of a run to its end, or until now. */
export function elapsed(run: Run, now: number): number {
  const end = run.finished_at === null ? now : milliseconds(run.finished_at);
  return end - milliseconds(run.created_at);
}

/** What a run executes: its image, or its command on the static workers. */
export function program(run: Run): string {
  return run.image ?? run.job_metadata.command;
}

/** The part of an image or a command that distinguishes it from others, without the folders before it. */
export function shortProgram(run: Run): string {
  return program(run)
    .replace(/^[^\s"']*\//, "")
    .replace(run.image === null ? "" : /:latest$/, "");
}

const COLUMNS = {
  name: (run: Run) => run.name,
  state: (run: Run) => stateWord(run),
  program: shortProgram,
  backend: (run: Run) => run.backend ?? "",
  workers: (run: Run) => run.num_workers,
  duration: elapsed,
  created: (run: Run) => milliseconds(run.created_at),
} satisfies Record<string, (run: Run, now: number) => string | number>;

function isColumn(key: string): key is keyof typeof COLUMNS {
  return Object.hasOwn(COLUMNS, key);
}
