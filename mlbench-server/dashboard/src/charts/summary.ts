import type { ChartSeries } from "./series";

/** Returns the content of a chart in words, for people who do not see it. */
export function summaryText(series: readonly ChartSeries[], text: (value: number) => string): string {
  const full = series.filter(({ x }) => x.length > 0);
  if (full.length === 0) return "No points yet.";
  const lines = full.slice(0, 8).map(({ label: name, note, derived = false, x, y, low, high }) => {
    const label = note === undefined ? name : `${name} (${note})`;
    const { min, max, last } = facts(y, low, high);
    const points = `${x.length} ${low === undefined || derived ? "point" : "bucket"}${x.length === 1 ? "" : "s"}`;
    if (last === undefined) return `${label}: ${points}, no finite value.`;
    return `${label}: ${points}, last ${text(last)}, least ${text(min)}, greatest ${text(max)}.`;
  });
  const more = full.length - lines.length;
  if (more > 0) lines.push(`And ${more} more ${more === 1 ? "curve" : "curves"}.`);
  return lines.join(" ");
}

/** Returns the least, the greatest and the last finite value. */
export function facts(y: Float64Array, low?: Float64Array, high?: Float64Array) {
  let min = Infinity;
  let max = -Infinity;
  let last: number | undefined;
  for (let index = 0; index < y.length; index += 1) {
    const value = y[index] ?? NaN;
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, low?.[index] ?? value);
    max = Math.max(max, high?.[index] ?? value);
    last = value;
  }
  return { min, max, last };
}
