import { linearTicks, MOST, steppedTicks } from "./ticks";
import type { Range } from "./series";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

const DURATIONS = [
  ...[1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].map((days) => days * DAY),
];

/** Returns about `count` round durations, in seconds. */
export function durationTicks(range: Range, count: number): number[] {
  return (range[1] - range[0]) / count < 0.5
    ? linearTicks(range, count)
    : steppedTicks(range, count, DURATIONS);
}

/** Returns the seconds that a time zone is ahead of UTC at a date, in seconds since 1970. */
export type Offset = (date: number) => number;

/** The offset of UTC. */
export const utc: Offset = () => 0;

/** The offset of this machine. */
export const local: Offset = (date) => {
  const minutes = new Date(date * 1000).getTimezoneOffset();
  return Number.isNaN(minutes) ? 0 : -minutes * MINUTE;
};

/** Returns about `count` round dates of a time zone, in seconds since 1970. */
export function dateTicks(range: Range, count: number, offset: Offset): number[] {
  const [min, max] = range;
  if (!(min < max) || Math.abs(min) > 8e12 || Math.abs(max) > 8e12) return linearTicks(range, count);
  const rough = (max - min) / Math.max(1, count);
  if (rough > 20 * DAY) return calendarTicks(range, rough, offset);
  // The zone may change within the range: every tick is moved by the offset of its own date.
  const ahead = offset(min);
  const ticks = durationTicks([min + ahead, max + offset(max)], count).map((tick) => {
    const date = tick - ahead;
    return date - (offset(date) - ahead);
  });
  return ticks.filter((tick, index) => tick >= min && tick <= max && tick > (ticks[index - 1] ?? -Infinity));
}

/** Returns the first days of months or years. */
function calendarTicks([min, max]: Range, rough: number, offset: Offset): number[] {
  const months =
    [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000, 12_000].find((n) => n * 30.5 * DAY >= rough) ??
    60_000;
  const first = new Date((min + offset(min)) * 1000);
  let month = Math.floor((first.getUTCFullYear() * 12 + first.getUTCMonth()) / months) * months;
  const ticks: number[] = [];
  for (let index = 0; index < MOST * 2 && ticks.length < MOST; index += 1, month += months) {
    const date = new Date(0);
    date.setUTCFullYear(Math.floor(month / 12), ((month % 12) + 12) % 12, 1);
    const shown = date.getTime() / 1000;
    const tick = shown - offset(shown);
    if (tick > max) break;
    if (tick >= min) ticks.push(tick);
  }
  return ticks;
}
