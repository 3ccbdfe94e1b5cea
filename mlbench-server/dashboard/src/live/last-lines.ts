import { getLogs } from "../api/logs";
import type { LogLine } from "../api/wire";

/** A number after all lines. */
export const LOG_END = Number.MAX_SAFE_INTEGER;

/** Reads the last lines of a rank, or of the whole run. */
export async function lastLines(
  run: number,
  rank: number | undefined,
  count: number,
  signal: AbortSignal,
): Promise<LogLine[]> {
  const options = { before: LOG_END, limit: count, signal, ...(rank === undefined ? {} : { rank }) };
  return (await getLogs(run, options)).lines;
}
