import type { Range, Scale } from "./series";

/** Maps values to a linear measure: themselves, or their logarithm. NaN where the scale has no place for one. */
export function measure(scale: Scale): (value: number) => number {
  if (scale === "linear") return (value) => value;
  const log = scale === "log2" ? Math.log2 : Math.log10;
  return (value) => (value > 0 ? log(value) : NaN);
}

/** Returns where `value` lies between the ends of a range: 0 at the first, 1 at the second. */
export function fraction(value: number, [min, max]: Range): number {
  const width = max - min;
  if (Number.isFinite(width)) return (value - min) / width;
  // The width is beyond the largest number, half of it is not.
  return (value / 2 - min / 2) / (max / 2 - min / 2);
}

/** Returns the value at a fraction of a range. */
export function valueAt(part: number, [min, max]: Range): number {
  return min * (1 - part) + max * part;
}

/**
 * Returns a range with space around the values from `min` to `max`, in the measure of an axis.
 *
 * Never empty and never infinite, whatever the ends.
 */
export function padded(min: number, max: number, part = 0.06): Range {
  if (!(min <= max)) return [0, 1];
  const width = max / 2 - min / 2;
  const size = Math.max(Math.abs(min), Math.abs(max));
  // Below this width the positions of different values would be the same number.
  const wide = width > Math.max(size * 1e-12, 1e-300);
  const space = wide ? width * 2 * part : size > 1e-300 ? size * 0.1 : 1;
  const limit = Number.MAX_VALUE;
  return [Math.max(min - space, -limit), Math.min(max + space, limit)];
}
