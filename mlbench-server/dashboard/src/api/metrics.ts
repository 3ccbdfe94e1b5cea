import { address } from "../lib/base";
import { seriesPath, type Owner } from "./paths";
import { readJson, send, sendJson } from "./request";
import type { Bucket, PointRecord, Series, Timestamp } from "./wire";

/** A point with the fields that charts need. */
export type Point = Required<Pick<PointRecord, "date" | "value">> & Pick<PointRecord, "step" | "epoch">;

export type { Owner } from "./paths";
export type { Bucket, Series as SeriesInfo } from "./wire";

/** Which points to read. */
export interface MetricsOptions {
  /** Only points that arrived after the response with this cursor. */
  cursor?: number;
  since?: Timestamp;
  until?: Timestamp;
  /** Exact names; none means all metrics. */
  names?: readonly string[];
  lastN?: number;
  signal?: AbortSignal;
}

/** The points or buckets of each metric, as of one moment. */
export interface Metrics<T> {
  series: Map<string, T[]>;
  /** Position of that moment. */
  cursor: number;
}

/** Returns what names the owner in topics and caches: `run:3` or `pod:NAME`. */
export function ownerKey(owner: Owner): string {
  return "run" in owner ? `run:${owner.run}` : `pod:${owner.pod}`;
}

/** Reads points with date, value, step and epoch. */
export function getPoints(owner: Owner, options: MetricsOptions = {}): Promise<Metrics<Point>> {
  return getMetrics<Point>(owner, { fields: "date,value,step,epoch" }, options);
}

/** Reads series as at most `points` buckets each, which keep all extremes. */
export function getBuckets(
  owner: Owner,
  points: number,
  options: Omit<MetricsOptions, "cursor" | "lastN"> = {},
): Promise<Metrics<Bucket>> {
  return getMetrics<Bucket>(owner, { downsample: "minmax", points: String(points) }, options);
}

/** Reads points as means of at most `points` consecutive ones. */
export function getSummary(
  owner: Owner,
  points: number,
  options: MetricsOptions = {},
): Promise<Metrics<Point>> {
  return getMetrics<Point>(owner, { summarize: String(points) }, options);
}

/** Lists the metrics of a run or pod with their statistics. */
export function getSeries(owner: Owner, signal?: AbortSignal): Promise<Series[]> {
  return sendJson(seriesPath(owner), signal === undefined ? {} : { signal });
}

/** Returns the address of a download of all metrics of a run or pod. */
export function metricsDownload(owner: Owner, format: "zip" | "csv" | "ndjson" | "json"): string {
  const query = new URLSearchParams({ ...ownerQuery(owner), format });
  // The specification's fields lose the steps, which a table should have.
  if (format !== "zip") query.set("fields", "date,value,step,epoch");
  return address(`${metricsPath(owner)}?${query.toString()}`);
}

async function getMetrics<T>(
  owner: Owner,
  parameters: Record<string, string>,
  { cursor, since, until, names, lastN, signal }: MetricsOptions,
): Promise<Metrics<T>> {
  const query = new URLSearchParams({ ...ownerQuery(owner), ...parameters });
  const texts = { cursor, since, until, last_n: lastN };
  for (const [key, value] of Object.entries(texts)) if (value !== undefined) query.set(key, String(value));
  for (const name of names ?? []) query.append("metric_filter", name);
  const response = await send(metricsPath(owner), { query, ...(signal === undefined ? {} : { signal }) });
  const body = await readJson<Record<string, T[]>>(response, signal);
  const position = Number(response.headers.get("mlbench-cursor") ?? 0);
  return { series: new Map(Object.entries(body)), cursor: Number.isFinite(position) ? position : 0 };
}

function metricsPath(owner: Owner): string {
  return `api/metrics/${"run" in owner ? owner.run : encodeURIComponent(owner.pod)}/`;
}

function ownerQuery(owner: Owner): { metric_type: string } {
  return { metric_type: "run" in owner ? "run" : "pod" };
}
