import type { SeriesInfo } from "../../api/metrics";
import type { Run } from "../../api/wire";
import { duration, milliseconds } from "../../lib/format";

/** Something that happened to a run, or has not happened yet. */
export interface Moment {
  name: string;
  /** Milliseconds since 1970; undefined for what is still to come. */
  date: number | undefined;
  /** How long it took, or what it waits for. */
  text: string | undefined;
  tone: "done" | "now" | "good" | "bad" | "open";
}

/** What else is known of a run's course, in milliseconds since 1970. */
export interface Course {
  /** The first line or point. */
  first: number | undefined;
  /** When it reached its goal. */
  goal: number | undefined;
  now: number;
}

/** Returns the course of a run in order of time. */
export function moments(run: Run, { first, goal, now }: Course): Moment[] {
  const created = milliseconds(run.created_at);
  const ended = run.finished_at === null ? undefined : milliseconds(run.finished_at);
  const list: Moment[] = [{ name: "Created", date: created, text: undefined, tone: "done" }];
  if (run.state === "INITIALIZED") {
    list.push({ name: "Waiting", date: undefined, text: waitingText(run, now - created), tone: "now" });
    return list;
  }
  if (first !== undefined) {
    list.push({ name: "Started", date: first, text: after(first - created), tone: "done" });
  }
  const start = first ?? created;
  if (goal !== undefined) {
    list.push({ name: "Goal reached", date: goal, text: after(goal - start), tone: "good" });
  }
  if (ended === undefined) {
    list.push({ name: "Running", date: undefined, text: `for ${whole(now - start)}`, tone: "now" });
  } else {
    list.push({ ...END[run.state], date: ended, text: after(ended - start) });
  }
  return list;
}

const END: Record<Run["state"], Pick<Moment, "name" | "tone">> = {
  INITIALIZED: { name: "Ended", tone: "done" },
  STARTED: { name: "Ended", tone: "done" },
  FINISHED: { name: "Finished", tone: "good" },
  FAILED: { name: "Failed", tone: "bad" },
  STOPPED: { name: "Stopped", tone: "done" },
};

function waitingText(run: Run, wait: number): string {
  const place = run.queue_position === undefined ? "" : `, place ${run.queue_position} in the queue`;
  const since = `for ${whole(wait)}${place}`;
  return run.waiting_for === undefined
    ? `${since}, for its workers to come up`
    : `${since}: ${run.waiting_for}`;
}

function after(time: number): string {
  return time < 10 ? "at once" : `after ${duration(time)}`;
}

/** Returns a time that grows, in whole seconds: tenths that change once a second only flicker. */
function whole(time: number): string {
  const seconds = Math.max(0, Math.floor(time / 1000));
  return seconds < 60 ? `${seconds} s` : duration(seconds * 1000);
}

/** Returns the date of the first point of some series, in milliseconds since 1970. */
export function firstPoint(catalog: readonly SeriesInfo[]): number | undefined {
  let first: string | undefined;
  for (const { first_date } of catalog) if (first === undefined || first_date < first) first = first_date;
  return first === undefined ? undefined : milliseconds(first);
}

/** Returns the rank that failed first: the one that the reason names, else the first that was not merely stopped. */
export function failedRank({ job_metadata: { reason, exit_codes } }: Run): number | undefined {
  const named = /\brank ([0-9]+)\b/.exec(reason ?? "")?.[1];
  if (named !== undefined) return Number(named);
  const failed = Object.entries(exit_codes).filter(([, code]) => code !== 0);
  // 128 + 15 and 128 + 9 are the ends of ranks that were stopped because another one failed.
  const own = failed.find(([, code]) => code !== 143 && code !== 137) ?? failed[0];
  return own === undefined ? undefined : Number(own[0]);
}
