import { getLogs } from "../api/logs";
import type { LogLine } from "../api/wire";
import { findEnd } from "./log-end";

const PAGE = 10_000;

/** Reads the last lines of a rank, or of the whole run. */
export async function lastLines(
  run: number,
  rank: number | undefined,
  count: number,
  signal: AbortSignal,
): Promise<LogLine[]> {
  const options = { signal, ...(rank === undefined ? {} : { rank }) };
  const { lines } = await getLogs(run, { ...options, limit: PAGE });
  if (lines.length < PAGE) return lines.slice(-count);
  const end = await findEnd(async (after) => {
    const page = await getLogs(run, { ...options, after, limit: 1 });
    return page.lines.length > 0;
  });
  // Numbers are shared with other runs and ranks, so that few of them may be lines of this one.
  for (let width = PAGE / 2; ; width *= 10) {
    const after = Math.max(0, end - width);
    const page = await getLogs(run, { ...options, after, limit: PAGE });
    const full = page.lines.length === PAGE;
    if (after > 0 && page.lines.length < count) continue;
    const rest = full
      ? await getLogs(run, { ...options, after: Math.max(page.next, end), limit: PAGE })
      : undefined;
    return [...page.lines, ...(rest?.lines ?? [])].slice(-count);
  }
}
