import type { ChartSeries } from "./series";

/** Up to how many places of its x axis a band has. */
const PLACES = 1_000;
/** From how many curves on a band leaves the extremes out. */
const QUARTILES = 5;

/** How the values of several curves at a place become a band around their median. */
export type BandKind = "min–max" | "IQR";

/** Returns the kind of band that so many curves have: all values, or from five on the middle half (IQR). */
export function bandKind(curves: number): BandKind {
  return curves >= QUARTILES ? "IQR" : "min–max";
}

/**
 * Returns the median of curves with a band.
 *
 * Between its points a curve is a straight line, and beyond its ends it has no value. Where fewer than half of the
 * curves have one, the median has a gap. A band from least to greatest contains all points between two places.
 */
export function medianOf(
  curves: readonly Pick<ChartSeries, "x" | "y" | "low" | "high">[],
): Required<Pick<ChartSeries, "x" | "y" | "low" | "high">> {
  const x = placesOf(curves.map((curve) => curve.x));
  const all = bandKind(curves.length) === "min–max";
  const samples = curves.map((curve) => sampled(curve, x));
  const [y, low, high] = [x.map(() => NaN), x.map(() => NaN), x.map(() => NaN)];
  x.forEach((_, place) => {
    const values = samples.map((sample) => sample.y[place] ?? NaN).filter((value) => !Number.isNaN(value));
    if (values.length === 0 || values.length * 2 < curves.length) return;
    values.sort((a, b) => a - b);
    y[place] = quantile(values, 0.5);
    low[place] = all ? extreme(samples, place, "low", Math.min) : quantile(values, 0.25);
    high[place] = all ? extreme(samples, place, "high", Math.max) : quantile(values, 0.75);
  });
  return { x, y, low, high };
}

/** Returns the x of all curves, or so many evenly spaced places where they have more. */
function placesOf(curves: readonly Float64Array[]): Float64Array {
  const distinct = new Set<number>();
  let [from, to] = [Infinity, -Infinity];
  for (const x of curves) {
    from = Math.min(from, x[0] ?? Infinity);
    to = Math.max(to, x.at(-1) ?? -Infinity);
    for (let index = 0; index < x.length && distinct.size <= PLACES; index += 1)
      distinct.add(x[index] ?? NaN);
  }
  if (distinct.size <= PLACES) return Float64Array.from(distinct).sort();
  return Float64Array.from({ length: PLACES }, (_, place) => from + ((to - from) * place) / (PLACES - 1));
}

/** A curve at each place, with the extremes since the place before. */
interface Sample {
  y: Float64Array;
  low: Float64Array;
  high: Float64Array;
}

function sampled(
  { x, y, low = y, high = y }: Pick<ChartSeries, "x" | "y" | "low" | "high">,
  places: Float64Array,
) {
  const sample: Sample = {
    y: places.map(() => NaN),
    low: places.map(() => NaN),
    high: places.map(() => NaN),
  };
  let next = 0;
  places.forEach((at, place) => {
    let [least, most] = [Infinity, -Infinity];
    for (; next < x.length && (x[next] ?? NaN) <= at; next += 1) {
      const [below, above] = [low[next] ?? NaN, high[next] ?? NaN];
      if (below < least) least = below;
      if (above > most) most = above;
    }
    const value = valueAt(x, y, at, next);
    sample.y[place] = value;
    sample.low[place] = Math.min(least, Number.isNaN(value) ? Infinity : value);
    sample.high[place] = Math.max(most, Number.isNaN(value) ? -Infinity : value);
  });
  return sample;
}

/** Returns the value of a curve at a place; `next` is the first point beyond it. */
function valueAt(x: Float64Array, y: Float64Array, at: number, next: number): number {
  const [from, to] = [x[next - 1] ?? NaN, x[next] ?? NaN];
  const [before, after] = [y[next - 1] ?? NaN, y[next] ?? NaN];
  return from === at ? before : before + ((after - before) * (at - from)) / (to - from);
}

function extreme(
  samples: readonly Sample[],
  place: number,
  side: "low" | "high",
  choose: (a: number, b: number) => number,
): number {
  const none = side === "low" ? Infinity : -Infinity;
  const found = samples.reduce((best, sample) => choose(best, sample[side][place] ?? none), none);
  return Number.isFinite(found) ? found : NaN;
}

/** Returns a quantile of ascending values, with straight lines between them. */
function quantile(sorted: readonly number[], part: number): number {
  const at = (sorted.length - 1) * part;
  const [below, above] = [sorted[Math.floor(at)] ?? NaN, sorted[Math.ceil(at)] ?? NaN];
  // Infinities have no line between them.
  return below === above ? below : below + (above - below) * (at - Math.floor(at));
}
