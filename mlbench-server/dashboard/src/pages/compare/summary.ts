import type { Comparison, Estimate, Group } from "../../api/wire";
import { duration, number, UNKNOWN } from "../../lib/format";

/** A row of the summary, as text. */
export interface SummaryRow {
  label: string;
  names: string;
  runs: readonly number[];
  workers: string;
  oversubscribed: boolean;
  n: string;
  reached: string;
  time: string;
  timeInterval: string;
  /** Why there is no time, or no speed-up. */
  reason: string;
  speedUp: string;
  speedUpInterval: string;
  efficiency: string;
  compute: string;
  transfer: string;
  waiting: string;
}

/** Returns the rows of the summary. */
export function summaryRows(comparison: Comparison): SummaryRow[] {
  return comparison.groups.map((group, index) =>
    rowOf(group, group.baseline === index, comparison.goal !== null),
  );
}

function rowOf(group: Group, isBaseline: boolean, hasGoal: boolean): SummaryRow {
  const { time_to_accuracy: time, speed_up: speedUp, efficiency, phases } = group;
  const pending = group.trainings.filter((training) => training.pending).length;
  return {
    label: group.label,
    names: group.names.join(", "),
    runs: group.runs,
    workers:
      group.parameters.external === true && group.parameters.num_workers === 1
        ? UNKNOWN
        : String(group.parameters.num_workers),
    oversubscribed: group.oversubscribed === true,
    n: pending === 0 ? String(group.n) : `${group.n} + ${pending} active`,
    reached: hasGoal ? `${group.reached} of ${group.n}` : UNKNOWN,
    time: time === null ? (group.n > 0 && hasGoal ? "not reached" : UNKNOWN) : secondsText(time.median),
    timeInterval: time === null ? "" : intervalText(time, secondsText),
    reason: sentence(group.no_time_reason ?? group.no_speed_up_reason ?? ""),
    speedUp: speedUp === null ? UNKNOWN : isBaseline ? "1" : short(speedUp.median),
    speedUpInterval: speedUp === null ? "" : isBaseline ? "baseline" : intervalText(speedUp, short),
    efficiency: efficiency === null ? UNKNOWN : percentText(efficiency.median),
    compute: shareText(phases?.shares.compute),
    transfer: shareText(phases?.shares.transfer ?? phases?.shares.communication),
    waiting: shareText(phases?.shares.waiting),
  };
}

/** Returns seconds as text. */
export function secondsText(seconds: number): string {
  return seconds < 1 ? `${number(Number(seconds.toPrecision(3)))} s` : duration(seconds * 1000);
}

function short(value: number): string {
  return number(Number(value.toPrecision(3)));
}

/** Returns an interval as text; an open end is one that trainings without the goal leave open. */
export function intervalText({ low, high, n }: Estimate, text: (value: number) => string): string {
  if (n < 2 && low === high) return "one training";
  return high === null ? `${text(low)} or more` : `${text(low)} – ${text(high)}`;
}

/** Returns what the intervals of a comparison are. */
export function intervalNote({ groups }: Comparison): string {
  const kinds = new Set(groups.map(({ time_to_accuracy: time }) => time?.interval));
  const parts = [
    kinds.has("min_max") ? "from the smallest to the largest value" : "",
    kinds.has("bootstrap_95") ? "the 95 % interval of the median, from five trainings on" : "",
  ].filter((part) => part !== "");
  return parts.length === 0 ? "" : `Intervals are ${parts.join(", and ")}.`;
}

function percentText(share: number): string {
  return `${short(share * 100)} %`;
}

function shareText(share: number | null | undefined): string {
  return share === null || share === undefined ? UNKNOWN : percentText(share);
}

/** Returns a text of the server as a sentence. */
export function sentence(text: string): string {
  return text === "" ? "" : text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

/** Returns what the times of a comparison are measured by, in words. */
export function clockText({ clock, goal }: Comparison): string {
  if (goal === null) return "";
  return clock === "training"
    ? "Times are training seconds as rank 0 reports them, without start-up and evaluation."
    : "Times are wall time from leaving the queue, as not all runs report training times.";
}

/** Returns the goal of a comparison in words. */
export function goalText({ metric, goal, direction }: Comparison): string {
  if (goal === null) return `none for ${metric}`;
  return `${metric} ${direction === "at_least" ? "≥" : "≤"} ${number(goal)}`;
}
