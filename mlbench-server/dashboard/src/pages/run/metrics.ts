import type { SeriesInfo } from "../../api/metrics";
import type { Unit, XAxis } from "../../charts/series";
import { splitName } from "../../lib/metric-name";
import { numberOf } from "../../lib/number";
import { isStep } from "../../lib/steps";

/** One chart: a metric with a series for each rank that reports it. */
export interface MetricChart {
  /** The name without the rank. */
  title: string;
  /** Full names by rank. */
  names: string[];
}

/** A part of the metrics under one heading. */
export interface MetricSection {
  title: string;
  charts: MetricChart[];
}

/** The metrics of a run as the page shows them. */
export interface MetricOverview {
  sections: MetricSection[];
  /** Metrics with one value or with text, which no chart shows. */
  values: { name: string; value: string }[];
}

const LOSS = /loss|perplexity/i;
const QUALITY = /prec|acc|bleu|f1|auc|recall|score/i;

/** Arranges metrics: losses and accuracies first, then the rest, then the times of the steps. */
export function arrange(catalog: readonly SeriesInfo[], search = ""): MetricOverview {
  const words = search.toLowerCase().split(/\s+/);
  const charts = new Map<string, { rank: number; name: string }[]>();
  const values: MetricOverview["values"] = [];
  for (const { name, count, last_value } of catalog) {
    if (!words.every((word) => name.toLowerCase().includes(word))) continue;
    if (count === 1 || isText(last_value)) {
      values.push({ name, value: last_value });
      continue;
    }
    const { metric, rank = -1 } = splitName(name);
    const found = charts.get(metric);
    if (found === undefined) charts.set(metric, [{ rank, name }]);
    else found.push({ rank, name });
  }
  const sections = new Map<string, MetricChart[]>();
  const order = [...charts].sort(([a], [b]) => weight(a) - weight(b) || (a < b ? -1 : 1));
  for (const [title, series] of order) {
    const names = series.sort((a, b) => a.rank - b.rank).map(({ name }) => name);
    const section = sectionOf(title);
    sections.set(section, [...(sections.get(section) ?? []), { title, names }]);
  }
  return { sections: [...sections].map(([title, list]) => ({ title, charts: list })), values };
}

/**
 * Returns the x axis that the charts of a run have unless somebody chooses one; undefined until the points tell it.
 *
 * Points that came together have one time, and would be a vertical line: these are drawn by their steps.
 */
export function usualAxis(
  catalog: readonly SeriesInfo[],
  seen: readonly XAxis[],
): "relative" | "step" | undefined {
  const several = catalog.filter(({ count }) => count > 1);
  if (several.some(({ first_date, last_date }) => first_date !== last_date)) return "relative";
  return several.length > 0 && seen.includes("step") ? "step" : undefined;
}

/** Returns what a metric measures, by its name. */
export function unitOf(metric: string): Unit {
  if (isStep(metric) || /_(seconds|secs)$/.test(metric)) return "seconds";
  return metric.endsWith("_bytes") ? "bytes" : "number";
}

function isText(value: string): boolean {
  return Number.isNaN(numberOf(value)) && !/^[+-]?nan$/i.test(value);
}

function weight(metric: string): number {
  if (isStep(metric)) return 5;
  if (metric.includes("/")) return 4;
  if (LOSS.test(metric)) return 0;
  return QUALITY.test(metric) ? 1 : 3;
}

function sectionOf(metric: string): string {
  if (isStep(metric)) return "Times of the steps";
  const slash = metric.indexOf("/");
  if (slash > 0) return metric.slice(0, slash);
  return weight(metric) < 3 ? "Loss and accuracy" : "Other metrics";
}
