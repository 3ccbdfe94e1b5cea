import type { Run } from "../../api/wire";
import type { Sort } from "../../parts/sort";
import { compareNumbers, isMeasure, median, valueOf, type ValuesById } from "./measure";
import { elapsed } from "./sort";

/** Runs that differ in nothing but their names: repeats of one measurement. */
export interface Group {
  /** The parameters that its runs share. */
  key: string;
  runs: readonly Run[];
  /** Median of the milliseconds that the finished runs took, NaN without one. */
  median: number;
}

/** A row of the list: a run, or several. */
export type Item = { run: Run; member: boolean } | { group: Group; open: boolean };

/** Returns one row per run. */
export function plainItems(runs: readonly Run[]): Item[] {
  return runs.map((run) => ({ run, member: false }));
}

/**
 * Returns a row per group of repeats, followed by its runs if it is open; a run without repeats is its own row.
 *
 * A group has the place of its first run, or the one of its median in a list that is sorted by a measure.
 */
export function groupedItems(
  runs: readonly Run[],
  open: ReadonlySet<string>,
  order?: { sort: Sort; values: ValuesById },
): Item[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const key = parameters(run);
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [run]);
    else members.push(run);
  }
  return inOrder([...groups], order).flatMap(([key, members]): Item[] => {
    const isOpen = open.has(key);
    if (members.length === 1) return plainItems(members);
    const row = { group: { key, runs: members, median: medianDuration(members) }, open: isOpen };
    return isOpen ? [row, ...members.map((run) => ({ run, member: true }))] : [row];
  });
}

function inOrder(
  groups: [key: string, runs: Run[]][],
  order: { sort: Sort; values: ValuesById } | undefined,
): [key: string, runs: Run[]][] {
  const measure = order?.sort.key ?? "";
  if (order === undefined || !isMeasure(measure)) return groups;
  const medians = new Map(
    groups.map(([key, runs]) => [key, median(runs.map((run) => valueOf(run, measure, order.values))).median]),
  );
  const place = (key: string) => medians.get(key) ?? NaN;
  return groups.sort(([a], [b]) => compareNumbers(place(a), place(b), order.sort.descending));
}

/** The parameters in which repeats are meant to differ, as a comparison has it. */
const SEED = /(seed|random_state)$/i;

function parameters(run: Run): string {
  return JSON.stringify([
    run.job_metadata.command,
    run.image,
    run.backend,
    run.run_all_nodes,
    run.num_workers,
    run.num_cpus,
    run.max_bandwidth,
    run.gpu_enabled,
    run.light_target,
    run.use_horovod,
    Object.entries(run.environment).filter(([name]) => !SEED.test(name)),
    run.gpus,
    run.memory,
    run.working_dir,
    run.external,
    Object.entries(run.params ?? {}).filter(([name]) => !SEED.test(name)),
  ]);
}

function medianDuration(runs: readonly Run[]): number {
  const finished = runs.filter((run) => run.state === "FINISHED");
  return median(finished.map((run) => elapsed(run, NaN))).median;
}

/** Returns the runs of a row. */
export function runsOf(item: Item): readonly Run[] {
  return "run" in item ? [item.run] : item.group.runs;
}

/** Returns what identifies a row. */
export function keyOf(item: Item): string {
  return "run" in item ? String(item.run.id) : item.group.key;
}
