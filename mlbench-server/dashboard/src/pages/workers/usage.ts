import { rates } from "../../charts/rates";
import type { ChartSeries, Unit } from "../../charts/series";
import type { Run } from "../../api/wire";

/** How long a pod may be silent before its curves have a gap, in seconds. */
const SILENCE = 120;

/** Processor time grows by hundredths of a second: over less than this time, that is noise. */
const INSTANT = 0.9;

/** The points of a metric. */
export interface MetricPoints {
  time: Float64Array;
  value: Float64Array;
}

/** A metric of a pod as a chart shows it: counters by how fast they grow. */
export interface Usage {
  x: Float64Array;
  y: Float64Array;
  unit: Unit;
  /** Whether the values are the growth per second. */
  rate: boolean;
}

/** The charts of a worker, in the order of its card, each with its metrics and what the legend calls them. */
export const CARDS = [
  { title: "CPU", metrics: [["container_cpu_usage_seconds_total", "used"]] },
  { title: "Memory", metrics: [["container_memory_working_set_bytes", "used"]] },
  {
    title: "Network",
    metrics: [
      ["container_network_receive_bytes_total", "received"],
      ["container_network_transmit_bytes_total", "sent"],
    ],
  },
] as const;

/** The metrics that the card of a worker shows. */
export const CARD_METRICS: readonly string[] = CARDS.flatMap(({ metrics }) => metrics.map(([name]) => name));

/** Returns a metric as a chart shows it. */
export function usageOf(name: string, { time, value }: MetricPoints): Usage {
  if (!name.endsWith("_total")) return { x: time, y: value, unit: unitOf(name), rate: false };
  return { ...rates({ x: time, y: value }, SILENCE, INSTANT), unit: rateUnit(name), rate: true };
}

function unitOf(name: string): Unit {
  if (name.endsWith("_bytes")) return "bytes";
  return name.endsWith("_seconds") ? "seconds" : "number";
}

function rateUnit(name: string): Unit {
  if (name.endsWith("_bytes_total")) return "bytes/s";
  // A second of processor time per second is a core.
  return /cpu.*_seconds_total$/.test(name) ? "cores" : "number";
}

/** Returns the curves of a chart of a card, without the metrics that the pod does not have. */
export function cardCurves(
  metrics: readonly (readonly [string, string])[],
  points: ReadonlyMap<string, MetricPoints>,
  color: number,
): ChartSeries[] {
  return metrics.flatMap(([name, label], index) => {
    const found = points.get(name);
    if (found === undefined || found.time.length === 0) return [];
    const { x, y } = usageOf(name, found);
    return [{ key: name, label, color: color + index, x, y }];
  });
}

/** Returns the active run that a pod works for, the newest where there are several. */
export function runOf(pod: string, runs: readonly Run[]): Run | undefined {
  return runs.findLast((run) => run.finished_at === null && run.job_metadata.pods.includes(pod));
}

/** Returns the labels of a pod: pairs of name and value, of a Python dictionary literal. */
export function labelsOf(literal: string): [string, string][] {
  const pairs: [string, string][] = [];
  for (const [, name = "", value = ""] of literal.matchAll(/'((?:[^'\\]|\\.)*)': '((?:[^'\\]|\\.)*)'/g)) {
    pairs.push([unescape(name), unescape(value)]);
  }
  return pairs;
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, "$1");
}
