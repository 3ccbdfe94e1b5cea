import type { Run, RunValues } from "../../api/wire";

/** What the list shows of every run beside its parameters. */
export type Measure = "accuracy" | "loss";

/** The newest values of runs by id. */
export type ValuesById = ReadonlyMap<number, RunValues>;

/** Returns whether a column shows a measure. */
export function isMeasure(column: string): column is Measure {
  return column === "accuracy" || column === "loss";
}

/** Returns the newest value of a run, NaN without one. */
export function valueOf(run: Run, measure: Measure, values: ValuesById): number {
  return values.get(run.id)?.[measure]?.value ?? NaN;
}

/** Returns the median of the numbers among these, and how many there are; NaN without one. */
export function median(values: readonly number[]): { median: number; count: number } {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const [low, high] = [(sorted.length - 1) >> 1, sorted.length >> 1];
  return { median: ((sorted[low] ?? NaN) + (sorted[high] ?? NaN)) / 2, count: sorted.length };
}

/** Compares numbers for a sort in either direction that puts those which are missing last. */
export function compareNumbers(a: number, b: number, descending: boolean): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return descending ? b - a : a - b;
}
