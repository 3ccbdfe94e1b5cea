import { sendJson } from "./request";
import type { LogLine, LogPage, OutputStream } from "./wire";

/** Which lines of a run's output to read. */
export interface LogsOptions {
  stream?: OutputStream;
  rank?: number;
  /** Only lines with a higher sequence number. */
  after?: number;
  /** Only the last lines with a lower sequence number. */
  before?: number;
  /** 1 to 10,000. */
  limit?: number;
  signal?: AbortSignal;
}

/** Reads a page of a run's output, by ascending sequence number. */
export function getLogs(run: number, { signal, ...options }: LogsOptions = {}): Promise<LogPage> {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(options)) query.set(key, String(value));
  return sendJson(`api/runs/${run}/logs/`, { query, ...(signal === undefined ? {} : { signal }) });
}

/** Reads the newest state of lines without an end, such as progress bars. They come after the last line. */
export async function getUnfinished(run: number, after: number, signal: AbortSignal): Promise<LogLine[]> {
  const query = new URLSearchParams({ after: String(after), limit: "1000" });
  const page = await sendJson<{ unfinished?: LogLine[] }>(`api/runs/${run}/logs/`, { query, signal });
  return page.unfinished ?? [];
}
