import type { Range, Scale, Unit, XAxis } from "./series";
import { type Offset, utc } from "./time_ticks";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const TIMES = ["s", "ms", "µs", "ns"];
const SIZES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** Returns a number with `digits` significant digits, without zeros at the end. */
export function numberText(value: number, digits = 5): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-4)) return exponentText(value, digits);
  const text = size >= 10 ** digits ? value.toFixed(0) : value.toPrecision(digits);
  return minus(group(text.includes(".") ? text.replace(/\.?0+$/, "") : text));
}

function exponentText(value: number, digits: number): string {
  const [mantissa = "", exponent = ""] = value.toExponential(digits - 1).split("e");
  const short = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return minus(`${short}e${exponent.replace("+", "")}`);
}

/** Separates thousands by commas as everywhere on the page, from 10,000 on. */
function group(text: string): string {
  const [whole = "", part] = text.split(".");
  const grouped = whole.replace("-", "").length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, ",") : whole;
  return part === undefined ? grouped : `${grouped}.${part}`;
}

function minus(text: string): string {
  return text.replaceAll("-", "−");
}

/** Returns a value with its unit. */
export function valueText(value: number, unit: Unit, digits = 4): string {
  if (!Number.isFinite(value)) return numberText(value);
  switch (unit) {
    case "bytes":
      return bytesText(value, digits);
    case "bytes/s":
      return `${bytesText(value, digits)}/s`;
    case "seconds":
      return secondsText(value, digits);
    case "cores":
      return `${numberText(value, Math.min(3, digits))} ${value === 1 ? "core" : "cores"}`;
    case "percent":
      return `${numberText(value, digits)} %`;
    case "number":
      return numberText(value, digits + 1);
  }
}

/** Returns the power of 1,024 that suits a number of bytes. */
export function byteStep(value: number): number {
  const size = Math.abs(value);
  if (!(size >= 1024)) return 0;
  return Math.min(SIZES.length - 1, Math.floor(Math.log2(size) / 10));
}

function bytesText(value: number, digits: number): string {
  const step = byteStep(value);
  return `${numberText(value / 1024 ** step, digits)} ${SIZES[step] ?? "B"}`;
}

function secondsText(value: number, digits: number): string {
  const step = timeStep(value);
  return `${numberText(value * 1000 ** step, digits)} ${TIMES[step] ?? "s"}`;
}

/** Returns how many times a thousandth of a second suits a number of seconds. */
function timeStep(value: number): number {
  const size = Math.abs(value);
  // What rounds to a whole unit is one.
  return size === 0 || size > 0.9995 ? 0 : Math.min(3, Math.ceil(-Math.log10(size * 1.0005) / 3));
}

/** Returns the texts of the ticks of a value axis: as many decimals as they need to differ. */
export function tickTexts(ticks: readonly number[], unit: Unit, scale: Scale): string[] {
  if (unit === "bytes" || unit === "bytes/s") {
    return ticks.map((tick) => valueText(tick, unit, 3));
  }
  const step = unit === "seconds" ? timeStep(Math.max(...ticks.map(Math.abs), 0)) : 0;
  if (scale !== "linear") return ticks.map((tick) => (step > 0 ? secondsText(tick, 3) : numberText(tick, 3)));
  if (step > 0) {
    const texts = numberTexts(ticks.map((tick) => tick * 1000 ** step));
    return texts.map((text) => (Number(text) === 0 ? "0" : `${text} ${TIMES[step] ?? ""}`));
  }
  return numberTexts(ticks);
}

/** Returns the texts of numbers with as many digits as they need to differ. */
export function numberTexts(ticks: readonly number[]): string[] {
  const largest = Math.max(...ticks.map(Math.abs), 0);
  const step = Math.min(...ticks.slice(1).map((tick, index) => tick - (ticks[index] ?? 0)), largest);
  if (!(step > 0)) return ticks.map((tick) => numberText(tick));
  const decimals = Math.max(0, -Math.floor(Math.log10(step * 1.0001)));
  if (largest >= 1e7 || decimals > 6) {
    const digits = Math.min(16, Math.max(1, Math.ceil(Math.log10(largest / step)) + 1));
    return ticks.map((tick) => (tick === 0 ? "0" : exponentText(tick, digits)));
  }
  return ticks.map((tick) => minus(group(tick.toFixed(decimals))));
}

/** Returns a duration such as `1m 30s`, in the two largest units that matter. */
export function durationText(seconds: number): string {
  if (!Number.isFinite(seconds)) return numberText(seconds);
  const size = Math.abs(seconds);
  const sign = seconds < 0 ? "−" : "";
  if (size > 0 && size < 1e-3) return secondsText(seconds, 3);
  if (size < 60) return `${sign}${numberText(Number(size.toPrecision(4)))} s`;
  const whole = Math.round(size);
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "m"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  const shown = parts.slice(first, first + 2).filter(([count], index) => index === 0 || count > 0);
  return sign + shown.map(([count, unit]) => `${count}${unit}`).join(" ");
}

/** Returns the parts of a date in a time zone. */
function parts(date: number, offset: Offset) {
  const shifted = new Date((date + offset(date)) * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  return {
    valid: !Number.isNaN(shifted.getTime()),
    year: shifted.getUTCFullYear(),
    month: shifted.getUTCMonth(),
    day: shifted.getUTCDate(),
    midnight: shifted.getTime() % 86_400_000 === 0,
    minutes: `${two(shifted.getUTCHours())}:${two(shifted.getUTCMinutes())}`,
    seconds: two(shifted.getUTCSeconds()),
    date: `${shifted.getUTCFullYear()}-${two(shifted.getUTCMonth() + 1)}-${two(shifted.getUTCDate())}`,
    fraction: String(shifted.getUTCMilliseconds()).padStart(3, "0"),
  };
}

/** Returns a date such as `2026-11-26 14:05:09`. */
export function dateText(date: number, offset: Offset): string {
  const { valid, date: day, minutes, seconds } = parts(date, offset);
  return valid ? `${day} ${minutes}:${seconds}` : numberText(date);
}

/** Returns the texts of the ticks of a date axis: the day where a day begins, the time elsewhere. */
export function dateTexts(ticks: readonly number[], offset: Offset): string[] {
  const step = ticks.length > 1 ? ((ticks.at(-1) ?? 0) - (ticks[0] ?? 0)) / (ticks.length - 1) : 0;
  return ticks.map((tick) => {
    const { valid, year, month, day, midnight, minutes, seconds, fraction } = parts(tick, offset);
    if (!valid) return numberText(tick);
    if (step >= 27 * 86_400) return month === 0 ? String(year) : `${MONTHS[month] ?? ""} ${year}`;
    if (midnight) return `${day} ${MONTHS[month] ?? ""}`;
    if (step > 0 && step < 1) return `${minutes}:${seconds}.${fraction}`;
    return step > 0 && step < 60 ? `${minutes}:${seconds}` : minutes;
  });
}

/** Returns what an x axis means. */
export function axisName(axis: XAxis, offset: Offset): string {
  switch (axis) {
    case "step":
      return "Step";
    case "epoch":
      return "Epoch";
    case "relative":
      return "Time since the start";
    case "wall":
      return offset === utc ? "Time (UTC)" : "Time";
    case "training":
      return "Training time";
  }
}

/** Returns a position on an x axis in words. */
export function positionText(x: number, axis: XAxis, offset: Offset): string {
  switch (axis) {
    case "step":
      return `step ${numberText(x, 9)}`;
    case "epoch":
      return `epoch ${numberText(x, 6)}`;
    case "relative":
    case "training":
      return durationText(x);
    case "wall":
      return dateText(x, offset);
  }
}

/** Returns a range of an x axis in words. */
export function rangeText([from, to]: Range, axis: XAxis, offset: Offset): string {
  return `${positionText(from, axis, offset)} to ${positionText(to, axis, offset)}`;
}
