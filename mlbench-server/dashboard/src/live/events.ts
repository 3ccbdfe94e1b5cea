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
