import type { Sort } from "../../parts/sort";
import { readLabelKeys, type LabelKey } from "./labels";

/** What of the list of runs is shown, and how. The query of the address holds it. */
export interface RunsView {
  /** What to search for: words, and values of parameters and tags. */
  text: string;
  /** States by their words, none for all. */
  states: readonly string[];
  /** An image, `NO_IMAGE`, or empty for all. */
  image: string;
  /** A backend, `NO_BACKEND`, or empty for all. */
  backend: string;
  /** A number of workers, or empty for all. */
  workers: string;
  sort: Sort;
  /** Whether runs with the same parameters are one row. */
  grouped: boolean;
  /** The parameters and tags that are columns, in order. */
  labels: readonly LabelKey[];
}

/** Represents runs on the static workers. */
export const NO_IMAGE = "-";

/** Represents runs without a backend. */
export const NO_BACKEND = "-";

/** The newest run first. */
const DEFAULT_SORT: Sort = { key: "id", descending: true };

/** The columns that begin with the largest when they are sorted by. */
const LARGEST_FIRST = new Set(["id", "created", "duration", "workers", "accuracy"]);

/** Reads the view from the query of the address. */
export function readView(query: URLSearchParams): RunsView {
  const text = (key: string) => query.get(key) ?? "";
  const sort = text("sort");
  return {
    text: text("q"),
    states: text("state")
      .split(",")
      .filter((state) => state !== ""),
    image: text("image"),
    backend: text("backend"),
    workers: text("workers"),
    sort: sort === "" ? DEFAULT_SORT : { key: sort.replace(/^-/, ""), descending: sort.startsWith("-") },
    grouped: query.has("group"),
    labels: readLabelKeys(text("columns")),
  };
}

/** Returns the parameter of the address for the column that was clicked: another column, or the other direction. */
export function sortParameter(now: Sort, key: string): string {
  const descending = now.key === key ? !now.descending : LARGEST_FIRST.has(key);
  return descending ? `-${key}` : key;
}

/** Returns whether the view hides runs. */
export function isFiltered(view: RunsView): boolean {
  return [view.text, view.image, view.backend, view.workers].some(Boolean) || view.states.length > 0;
}
