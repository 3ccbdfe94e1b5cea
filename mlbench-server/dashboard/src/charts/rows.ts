import type { ChartSeries } from "./series";

/** A row of the table behind a chart. */
export interface Row {
  x: number;
  /** The index of the point of each curve at this x; -1 where it has none. */
  points: number[];
}

/** Returns every x that a curve has, each once, in order. */
export function rowPositions(series: readonly ChartSeries[]): Float64Array {
  const all = new Float64Array(series.reduce((sum, { x }) => sum + x.length, 0));
  let end = 0;
  for (const { x } of series) {
    all.set(x, end);
    end += x.length;
  }
  all.sort();
  return all.filter((value, index) => index === 0 || value !== all[index - 1]);
}

/** Returns the rows of a page. */
export function rowsOf(series: readonly ChartSeries[], positions: Float64Array): Row[] {
  const maps = series.map(({ x }) => {
    const from = positions[0] ?? NaN;
    const to = positions.at(-1) ?? NaN;
    const map = new Map<number, number>();
    x.forEach((value, index) => {
      if (value >= from && value <= to) map.set(value, index);
    });
    return map;
  });
  return [...positions].map((x) => ({ x, points: maps.map((map) => map.get(x) ?? -1) }));
}
