import { sendJson } from "./request";
import type { Comparison } from "./wire";

/** Compares runs; the query has their ids and what to compare by. */
export function getComparison(query: URLSearchParams, signal: AbortSignal): Promise<Comparison> {
  return sendJson("api/comparison/", { query, signal });
}
