import { address } from "../lib/base";
import { seriesPath, type Owner } from "./paths";
import { readJson, send, sendJson } from "./request";
import type { Bucket, PointRecord, Series, Timestamp } from "./wire";

/** A point with the fields that charts need. */
export type Point = Required<Pick<PointRecord, "date" | "value">> & Pick<PointRecord, "step" | "epoch">;

/** The fields of the points that charts need. */
const FIELDS = "date,value,step,epoch";

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

/** The metrics of several runs, as of one moment; a run that does not exist has none. */
export interface RunsMetrics<T> {
  runs: Map<number, Map<string, T[]>>;
  /** Position of that moment. */
  cursor: number;
}

/** Returns what names the owner in topics and caches: `run:3` or `pod:NAME`. */
export function ownerKey(owner: Owner): string {
  return "run" in owner ? `run:${owner.run}` : `pod:${owner.pod}`;
}

/** Reads points with date, value, step and epoch. */
export function getPoints(owner: Owner, options: MetricsOptions = {}): Promise<Metrics<Point>> {
  return getMetrics<Point>(owner, { fields: FIELDS }, options);
}

/** Reads points of several runs with one request. */
export function getRunsPoints(
  runs: readonly number[],
  options: MetricsOptions = {},
): Promise<RunsMetrics<Point>> {
  return getRunsMetrics<Point>(runs, { fields: FIELDS }, options);
}

/** Reads series as at most `points` buckets each, which keep all extremes. */
export function getBuckets(
  owner: Owner,
  points: number,
  options: Omit<MetricsOptions, "cursor" | "lastN"> = {},
): Promise<Metrics<Bucket>> {
  return getMetrics<Bucket>(owner, { downsample: "minmax", points: String(points) }, options);
}

/** Reads series of several runs as buckets with one request. */
export function getRunsBuckets(
  runs: readonly number[],
  points: number,
  options: Omit<MetricsOptions, "cursor" | "lastN"> = {},
): Promise<RunsMetrics<Bucket>> {
  return getRunsMetrics<Bucket>(runs, { downsample: "minmax", points: String(points) }, options);
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
  if (format !== "zip") query.set("fields", FIELDS);
  return address(`${metricsPath(owner)}?${query.toString()}`);
}

async function getMetrics<T>(
  owner: Owner,
  parameters: Record<string, string>,
  options: MetricsOptions,
): Promise<Metrics<T>> {
  const query = { ...ownerQuery(owner), ...parameters };
  const [body, cursor] = await read<Record<string, T[]>>(metricsPath(owner), query, options);
  return { series: new Map(Object.entries(body)), cursor };
}

async function getRunsMetrics<T>(
  runs: readonly number[],
  parameters: Record<string, string>,
  options: MetricsOptions,
): Promise<RunsMetrics<T>> {
  const query = { metric_type: "run", runs: runs.join(","), ...parameters };
  const [body, cursor] = await read<Record<string, Record<string, T[]>>>("api/metrics/", query, options);
  const found = Object.entries(body).map(
    ([run, series]) => [Number(run), new Map(Object.entries(series))] as const,
  );
  return { runs: new Map(found), cursor };
}

/** Reads metrics, and the position up to which the response shows points. */
async function read<B>(
  path: string,
  parameters: Record<string, string>,
  { cursor, since, until, names, lastN, signal }: MetricsOptions,
): Promise<[B, number]> {
  const query = new URLSearchParams(parameters);
  const texts = { cursor, since, until, last_n: lastN };
  for (const [key, value] of Object.entries(texts)) if (value !== undefined) query.set(key, String(value));
  for (const name of names ?? []) query.append("metric_filter", name);
  const response = await send(path, { query, ...(signal === undefined ? {} : { signal }) });
  const body = await readJson<B>(response, signal);
  const position = Number(response.headers.get("mlbench-cursor") ?? 0);
  return [body, Number.isFinite(position) ? position : 0];
}

function metricsPath(owner: Owner): string {
  return `api/metrics/${"run" in owner ? owner.run : encodeURIComponent(owner.pod)}/`;
}

function ownerQuery(owner: Owner): { metric_type: string } {
  return { metric_type: "run" in owner ? "run" : "pod" };
}
