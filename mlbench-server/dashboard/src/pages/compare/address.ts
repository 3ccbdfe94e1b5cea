import type { Direction } from "../../api/wire";
import { MOST_RUNS, parseIds } from "../../lib/ids";
import { typedNumber } from "../../lib/number";

/** What the page compares; a link holds it. */
export interface Compared {
  /** Ascending, each once. */
  ids: readonly number[];
  /** Empty where the server chooses. */
  metric: string;
  goal: string;
  direction: Direction | "";
  /** A run of the group that all others are compared with. */
  baseline: number | undefined;
}

/** How long the list of ids in an address may be. */
const LONGEST = 300;

/** Writes ids as a list, or with ranges where the list would be long. */
export function idsText(ids: readonly number[]): string {
  const list = ids.join(",");
  if (list.length <= 40) return list;
  const ranges: [first: number, last: number][] = [];
  for (const id of ids) {
    const range = ranges.at(-1);
    if (range?.[1] === id - 1) range[1] = id;
    else ranges.push([id, id]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(",");
}

/** Whether an address can hold these runs. */
export function fits(ids: readonly number[]): boolean {
  return ids.length <= MOST_RUNS && idsText(ids).length <= LONGEST;
}

/** Reads what to compare from the query of an address. */
export function readCompared(query: URLSearchParams): Compared {
  const ids = parseIds(query.get("runs") ?? "");
  const direction = query.get("direction");
  const baseline = Number(query.get("baseline") ?? NaN);
  return {
    ids,
    metric: query.get("metric") ?? "",
    goal: query.get("goal") ?? "",
    direction: direction === "at_least" || direction === "at_most" ? direction : "",
    baseline: ids.includes(baseline) ? baseline : undefined,
  };
}

/** Returns the same comparison of other runs, without a baseline that is none of them. */
export function withRuns(compared: Compared, ids: readonly number[]): Compared {
  const { baseline } = compared;
  return {
    ...compared,
    ids,
    baseline: baseline !== undefined && ids.includes(baseline) ? baseline : undefined,
  };
}

/** Returns the query of the request to the server. */
export function requestQuery({ ids, metric, goal, direction, baseline }: Compared): URLSearchParams {
  const query = new URLSearchParams({ runs: ids.join(",") });
  if (metric !== "") query.set("metric", metric);
  const number = typedNumber(goal);
  // The server says what is wrong with other text.
  if (goal !== "") query.set("goal", Number.isNaN(number) ? goal : String(number));
  if (direction !== "") query.set("direction", direction);
  if (baseline !== undefined) query.set("baseline", String(baseline));
  return query;
}
