import type { SeriesInfo } from "../../api/metrics";
import type { ChartSeries } from "../../charts/series";
import { numberOf } from "../../lib/number";
import { splitName } from "../../lib/metric-name";

/** A metric that several runs have: a chart with a curve for each run. */
export interface SharedMetric {
  /** The name without the rank. */
  title: string;
  /** The full name in each run: that of its lowest rank. */
  names: ReadonlyMap<number, string>;
}

const LOSS = /loss|perplexity/i;
const QUALITY = /prec|acc|bleu|f1|auc|recall/i;

/** Arranges the metrics of runs: the main ones, which are losses and accuracies, and the others. */
export function sharedMetrics(
  catalogs: ReadonlyMap<number, readonly SeriesInfo[]>,
  compared: string,
): { main: SharedMetric[]; others: SharedMetric[] } {
  const found = new Map<string, Map<number, { rank: number; name: string }>>();
  for (const [run, catalog] of catalogs) {
    for (const { name, count, last_value } of catalog) {
      if (count < 2 || (Number.isNaN(numberOf(last_value)) && !/^[+-]?nan$/i.test(last_value))) continue;
      const { metric, rank = -1 } = splitName(name);
      const runs = found.get(metric) ?? new Map<number, { rank: number; name: string }>();
      found.set(metric, runs);
      const known = runs.get(run);
      if (known === undefined || rank < known.rank) runs.set(run, { rank, name });
    }
  }
  const goal = splitName(compared).metric;
  const all = [...found].map(([title, runs]) => ({
    title,
    names: new Map([...runs].map(([run, { name }]) => [run, name])),
  }));
  all.sort((a, b) => weight(a.title, goal) - weight(b.title, goal) || (a.title < b.title ? -1 : 1));
  return {
    main: all.filter(({ title }) => weight(title, goal) < 3),
    others: all.filter(({ title }) => weight(title, goal) === 3),
  };
}

function weight(title: string, goal: string): number {
  if (title === goal) return 0;
  if (title.includes("/") || /time/i.test(title)) return 3;
  if (LOSS.test(title) && title !== "comp_loss") return 1;
  return QUALITY.test(title) ? 2 : 3;
}

/** Returns the goal as a dashed line over the x of other curves; undefined where there are none. */
export function goalCurve(
  goal: number,
  label: string,
  curves: readonly ChartSeries[],
): ChartSeries | undefined {
  let [from, to] = [Infinity, -Infinity];
  for (const { x } of curves) {
    for (const at of x) {
      if (at < from) from = at;
      if (at > to) to = at;
    }
  }
  if (!(from <= to)) return undefined;
  return { key: "goal", label, color: GOAL, x: Float64Array.of(from, to), y: Float64Array.of(goal, goal) };
}

/** The grey of the palette, dashed. */
const GOAL = 15;
