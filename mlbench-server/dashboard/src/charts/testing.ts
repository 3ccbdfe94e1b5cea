import type { ChartSeries } from "./series";

/** Returns a curve for tests. */
export function curve(
  label: string,
  x: readonly number[],
  y: readonly number[],
  more: Partial<ChartSeries> = {},
): ChartSeries {
  return { key: label, label, color: 0, x: Float64Array.from(x), y: Float64Array.from(y), ...more };
}
