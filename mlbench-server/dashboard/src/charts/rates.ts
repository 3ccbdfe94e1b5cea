/** A series of values by time in seconds. */
export interface Samples {
  x: Float64Array;
  y: Float64Array;
}

/**
 * Returns how fast a cumulative series grows, per second: a value for each interval, at its end.
 *
 * A counter that falls began again at zero, so what it shows then has grown since. Intervals longer than `longest`
 * are gaps: no sample covers them. Samples that follow faster than `shortest` are passed over, because a counter
 * that moves in jumps says nothing about so short a time.
 */
export function rates({ x, y }: Samples, longest = Infinity, shortest = 0): Samples {
  const xs: number[] = [];
  const ys: number[] = [];
  let lastX = NaN;
  let lastY = NaN;
  for (let index = 0; index < x.length; index += 1) {
    const at = x[index] ?? NaN;
    const value = y[index] ?? NaN;
    if (!Number.isFinite(value) || !Number.isFinite(at)) continue;
    const width = at - lastX;
    if (width < shortest && value >= lastY) continue;
    // Two samples of one moment: the later one counts for what follows.
    if (width > 0) {
      const grown = value < lastY ? value : value - lastY;
      xs.push(at);
      ys.push(width > longest ? NaN : grown / width);
    }
    lastX = at;
    lastY = value;
  }
  return { x: Float64Array.from(xs), y: Float64Array.from(ys) };
}

/** Returns the sum of series at the times of the first, each by its newest value at that time. */
export function sumSamples(series: readonly Samples[]): Samples {
  const [first] = series;
  if (first === undefined) return { x: new Float64Array(), y: new Float64Array() };
  const next = series.map(() => 0);
  const y = first.x.map((at) =>
    series.reduce((sum, samples, which) => {
      let index = next[which] ?? 0;
      while (index < samples.x.length && (samples.x[index] ?? Infinity) <= at) index += 1;
      next[which] = index;
      return sum + (samples.y[index - 1] ?? 0);
    }, 0),
  );
  return { x: first.x, y };
}
