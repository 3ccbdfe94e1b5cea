import type { Timestamp } from "../api/wire";

/** Replaces an unknown value. */
export const UNKNOWN = "–";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Formats a length of time in milliseconds with its two largest units: `3 min 20 s`. */
export function duration(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return UNKNOWN;
  // A clock that differs from the server's must not show a negative time.
  const length = Math.max(0, milliseconds);
  if (length < 9_950) return `${(length / SECOND).toFixed(length < 100 ? 2 : 1)} s`;
  const seconds = Math.round(length / SECOND);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return pair(seconds, 60, "min", 1, "s");
  const minutes = Math.round(length / MINUTE);
  if (minutes < 24 * 60) return pair(minutes, 60, "h", 1, "min");
  return pair(Math.round(length / HOUR), 24, "d", 1, "h");
}

function pair(count: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((count % large) / small);
  const whole = `${Math.floor(count / large)} ${largeUnit}`;
  return rest === 0 ? whole : `${whole} ${rest} ${smallUnit}`;
}

/** Returns the milliseconds since 1970 of a date of the server, NaN if it is none. */
export function milliseconds(date: Timestamp): number {
  return Date.parse(date);
}

/** Formats a date relative to now, both in milliseconds since 1970: `3 min ago`. */
export function relative(date: number, now: number): string {
  if (!Number.isFinite(date)) return UNKNOWN;
  const age = now - date;
  if (age < -MINUTE) return `in ${duration(-age)}`;
  if (age < 5 * SECOND) return "just now";
  if (age < MINUTE) return `${Math.floor(age / SECOND)} s ago`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min ago`;
  if (age < DAY) return `${Math.floor(age / HOUR)} h ago`;
  const days = Math.floor(age / DAY);
  return days === 1 ? "yesterday" : `${days} d ago`;
}

/** Where the hours of a date are counted. */
export type Zone = "local" | "utc";

/** Formats a date in milliseconds since 1970: `2026-11-26 21:44:52`, with ` UTC` in that zone. */
export function dateTime(date: number, zone: Zone): string {
  return stamp(date, zone, 19) + (zone === "utc" && Number.isFinite(date) ? " UTC" : "");
}

/** Formats a date with milliseconds and offset, for titles and tables of data. */
export function exactDateTime(date: number, zone: Zone): string {
  if (!Number.isFinite(date)) return UNKNOWN;
  const offset = zone === "utc" ? 0 : -new Date(date).getTimezoneOffset();
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  const shown = `${offset < 0 ? "-" : "+"}${two(hours)}:${two(minutes)}`;
  return `${stamp(date, zone, 23)} ${zone === "utc" ? "UTC" : shown}`;
}

function stamp(date: number, zone: Zone, length: number): string {
  if (!Number.isFinite(date)) return UNKNOWN;
  const offset = zone === "utc" ? 0 : new Date(date).getTimezoneOffset() * MINUTE;
  return new Date(date - offset).toISOString().slice(0, length).replace("T", " ");
}

function two(count: number): string {
  return String(count).padStart(2, "0");
}

/** Prints an amount of memory as a request may name it, with the largest unit that leaves no fraction: `4Gi`. */
export function size(count: number): string {
  const units = ["", "Ki", "Mi", "Gi", "Ti"];
  let power = 0;
  while (power < units.length - 1 && count % 1024 === 0 && count > 0) {
    count /= 1024;
    power += 1;
  }
  return `${count}${units[power] ?? ""}`;
}

/** Formats a measured value with four significant digits: `94.69`, `0.001235`, `1.2e-7`. */
export function number(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e6) return String(value).replace("-", "−");
  const rounded = Number(value.toPrecision(4));
  const text = size < 1e-4 || size >= 1e6 ? rounded.toExponential() : String(rounded);
  return text.replace("e+", "e").replaceAll("-", "−");
}

/** Formats a count: `10,000`. The browser's own formatter takes 15 ms when it is first used. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** Formats a count with its noun: `1 run`, `3 runs`. */
export function plural(of: number, noun: string): string {
  return `${count(of)} ${of === 1 ? noun : `${noun}s`}`;
}
