/** The size of a sparkline in pixels. */
export const SPARK = { width: 64, height: 20 };

/** Returns the SVG path of values over the whole width, with gaps where a value is no number. Empty without two. */
export function sparkPath(values: readonly number[]): string {
  const finite = values.filter(Number.isFinite);
  if (finite.length < 2) return "";
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  // A line that is cut at the edge of its box looks thinner than it is.
  const [width, height] = [SPARK.width - 2, SPARK.height - 4];
  let path = "";
  let pen = "M";
  values.forEach((value, index) => {
    if (!Number.isFinite(value)) {
      pen = "M";
      return;
    }
    const x = 1 + (index / (values.length - 1)) * width;
    const y = 2 + height * (high === low ? 0.5 : 1 - (value - low) / (high - low));
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  });
  return path;
}

/** Returns about `count` of the values at equal distances, the last among them. */
export function downsampled(values: ArrayLike<number>, count: number): number[] {
  const shown = Math.min(count, values.length);
  const step = values.length / shown;
  return Array.from({ length: shown }, (_, index) => values[Math.ceil((index + 1) * step) - 1] ?? NaN);
}
