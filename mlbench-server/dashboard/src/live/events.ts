import type { LogLine, Pod, Run, Timestamp } from "../api/wire";

/** A point as the stream brings it. */
export interface LivePoint {
  date: Timestamp;
  value: string;
  step?: number;
  epoch?: number;
}

/** An event of `GET /api/events/` with its position. */
export type LiveEvent = { id: number } & (
  | { event: "open"; cursor: number; topics: string[] }
  | { event: "runs"; runs: Run[]; deleted: number[] }
  | { event: "pods"; pods: Pod[] }
  | {
      event: "points";
      after: number;
      run_id?: number;
      pod_name?: string;
      metrics: Record<string, LivePoint[]>;
    }
  | { event: "logs"; run_id: number; lines: LogLine[] }
  | { event: "resync"; reason: string }
);

/** Reads an event of the stream; undefined if it is none that this page knows. */
export function parseEvent(event: string, id: string, json: string): LiveEvent | undefined {
  const position = Number(id);
  if (!NAMES.has(event) || id === "" || !Number.isSafeInteger(position)) return undefined;
  try {
    const data: unknown = JSON.parse(json);
    if (typeof data !== "object" || data === null) return undefined;
    return { ...data, id: position, event } as LiveEvent;
  } catch {
    return undefined;
  }
}

/** The names of all events. */
export const NAMES: ReadonlySet<string> = new Set(["open", "runs", "pods", "points", "logs", "resync"]);
