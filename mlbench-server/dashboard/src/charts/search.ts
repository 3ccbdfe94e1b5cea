/** Returns the index of the first x that is at least `value`, or the length. */
export function lowerBound(x: Float64Array, value: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((x[middle] ?? NaN) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Returns the index of the x that is nearest to `value`, or -1 where the nearest is farther than `reach` outside. */
export function nearest(x: Float64Array, value: number, reach: number): number {
  if (x.length === 0) return -1;
  const after = lowerBound(x, value);
  if (after === x.length) return value - (x[after - 1] ?? NaN) <= reach ? after - 1 : -1;
  const above = (x[after] ?? NaN) - value;
  if (after === 0) return above <= reach ? 0 : -1;
  return value - (x[after - 1] ?? NaN) < above ? after - 1 : after;
}

/** Returns the next x of any curve in a direction that is more than `least` away, or undefined. */
export function nextX(
  curves: readonly Float64Array[],
  from: number,
  direction: 1 | -1,
  least: number,
): number | undefined {
  let found: number | undefined;
  for (const x of curves) {
    const next =
      direction > 0
        ? x[lowerBound(x, from + least + Number.EPSILON * Math.abs(from))]
        : x[lowerBound(x, from - least) - 1];
    if (next === undefined || next === from) continue;
    if (found === undefined || (direction > 0 ? next < found : next > found)) found = next;
  }
  return found;
}
