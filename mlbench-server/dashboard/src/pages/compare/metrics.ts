import type { SeriesInfo } from "../../api/metrics";
import { lowerBound } from "../../charts/search";
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

/** The steps whose seconds add up to the training time, and the seconds of whole epochs. */
const STEPS = ["batch_load", "init", "fwd_pass", "comp_loss", "backprop", "agg", "opt_step", "comp_metrics"];
const EPOCH = "CumulativeTrainTimeEpoch @ 0";

/** Returns the metrics that tell the training time of a run: those of epochs, else those of the steps. */
export function clockNames(catalog: readonly SeriesInfo[]): string[] {
  const names = new Set(catalog.map(({ name }) => name));
  return names.has(EPOCH) ? [EPOCH] : STEPS.map((step) => `${step} @ 0`).filter((name) => names.has(name));
}

/** What the training time needs of a series. */
interface Seconds {
  time: Float64Array;
  value: Float64Array;
  /** The seconds of single points are gone: nothing can be added up. */
  bucketed: boolean;
}

/** Returns how to turn a time into the training seconds up to then; undefined where they are not known. */
export function trainingClock(series: readonly Seconds[]): ((time: number) => number) | undefined {
  if (series.length === 0 || series.some(({ bucketed }) => bucketed)) return undefined;
  const points: [time: number, seconds: number][] = [];
  for (const { time, value } of series) {
    time.forEach((at, index) => {
      const seconds = value[index] ?? NaN;
      if (Number.isFinite(seconds)) points.push([at, seconds]);
    });
  }
  if (points.length === 0) return undefined;
  points.sort(([a], [b]) => a - b);
  const times = Float64Array.from(points, ([time]) => time);
  const totals = new Float64Array(points.length);
  let sum = 0;
  points.forEach(([, seconds], index) => (totals[index] = sum += seconds));
  return (time) => {
    let after = lowerBound(times, time);
    while (times[after] === time) after += 1;
    return totals[after - 1] ?? 0;
  };
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
