import type { ChartSeries } from "./series";

/** Returns the points of curves as CSV: a row for each, the extremes of its bucket at the end where it is one. */
export function csv(series: readonly ChartSeries[], xName: string, text: (x: number) => string): string {
  const buckets = series.some((curve) => curve.low !== undefined);
  const header = ["curve", xName, "value", ...(buckets ? ["min", "max"] : [])];
  const lines = [header.map(cell).join(",")];
  for (const { label, x, y, low, high } of series) {
    const name = cell(label);
    for (let index = 0; index < x.length; index += 1) {
      const row = [name, cell(text(x[index] ?? NaN)), number(y[index])];
      if (buckets) row.push(number(low?.[index]), number(high?.[index]));
      lines.push(row.join(","));
    }
  }
  return `${lines.join("\r\n")}\r\n`;
}

function number(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? "" : String(value);
}

/** Quotes a cell where needed. A text that a spreadsheet would take for a formula begins with an apostrophe. */
export function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && !Number.isFinite(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
