import type { NewLines, NewPoints, PodList, Resync, RunsChanged, StreamOpen } from "../api/wire";

/** What each event of `GET /api/events/` carries, by its name. */
interface Events {
  open: StreamOpen;
  runs: RunsChanged;
  pods: PodList;
  points: NewPoints;
  logs: NewLines;
  resync: Resync;
}

/** An event with its name and its position. */
export type LiveEvent = {
  [Name in keyof Events]: { id: number; event: Name } & Events[Name];
}[keyof Events];

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
