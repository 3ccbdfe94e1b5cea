import { nearest } from "./search";
import type { ChartSeries, Range, Unit } from "./series";
import { valueText } from "./texts";

/** Returns the value of a curve at an x, or its last one, in words. */
export function valueAtText(
  curve: ChartSeries,
  line: Float64Array,
  at: number | null,
  view: Range,
  reach: number,
  unit: Unit,
): string {
  const point = at === null ? lastIn(curve, view) : nearest(curve.x, at, reach);
  const value = line[point];
  const raw = curve.y[point];
  if (value === undefined || raw === undefined) return "–";
  if (line !== curve.y && at !== null) return `${valueText(value, unit, 3)} (${valueText(raw, unit, 3)})`;
  const low = curve.low?.[point] ?? raw;
  const high = curve.high?.[point] ?? raw;
  if (low === high || at === null) return valueText(value, unit);
  return `${valueText(value, unit)} [${valueText(low, unit, 3)} … ${valueText(high, unit, 3)}]`;
}

function lastIn({ x, y }: ChartSeries, [from, to]: Range): number {
  for (let index = x.length - 1; index >= 0; index -= 1) {
    const at = x[index] ?? NaN;
    if (at < from) break;
    if (at <= to && Number.isFinite(y[index] ?? NaN)) return index;
  }
  return -1;
}
