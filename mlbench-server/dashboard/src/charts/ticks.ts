import type { Range, Scale } from "./series";

/** The most ticks that an axis gets, whatever its size. */
export const MOST = 20;

/** Returns 1, 2 or 5 times a power of ten, at least `rough`. */
export function niceStep(rough: number): number {
  const exponent = Math.floor(Math.log10(rough));
  for (const [factor, shift] of [
    [1, 0],
    [2, 0],
    [5, 0],
    [1, 1],
    [2, 1],
  ] as const) {
    // A literal is the number nearest to what a reader expects; a product is not.
    const step = Number(`${factor}e${exponent + shift}`);
    if (step >= rough) return step;
  }
  return rough;
}

/** Returns the multiples of `step` from `min` to `max`, at most 20 of them. */
function multiples(min: number, max: number, step: number): number[] {
  const ticks: number[] = [];
  const first = Math.ceil(min / step);
  if (!Number.isFinite(first) || !(step > 0)) return ticks;
  // The decimals of a step cut the noise of a product: 3 × 0.1 is 0.30000000000000004.
  const decimals = Math.max(0, -Math.floor(Math.log10(step)));
  for (let index = 0; index <= MOST; index += 1) {
    const product = (first + index) * step;
    const tick = decimals > 0 && decimals <= 100 ? Number(product.toFixed(decimals)) : product;
    if (tick > max || ticks.length === MOST) break;
    const last = ticks.at(-1);
    if (tick >= min && (last === undefined || tick > last)) ticks.push(tick === 0 ? 0 : tick);
  }
  return ticks;
}

/** Returns about `count` round values from the first to the second end of a range. */
export function linearTicks([min, max]: Range, count: number): number[] {
  if (!Number.isFinite(min) || !Number.isFinite(max) || min > max) return [];
  if (min === max) return [min];
  const wanted = Math.min(MOST - 2, Math.max(1, count));
  const rough = max / wanted - min / wanted;
  if (!(rough > 0)) return [];
  const ticks = multiples(min, max, niceStep(rough));
  // One tick does not make a scale.
  return ticks.length < 2 && wanted < 9 ? linearTicks([min, max], wanted * 2) : ticks;
}

/** Returns about `count` multiples of a step from `steps`, the first that is not too fine. */
export function steppedTicks(range: Range, count: number, steps: readonly number[]): number[] {
  const [min, max] = range;
  if (!Number.isFinite(min) || !Number.isFinite(max) || min >= max) return linearTicks(range, count);
  const rough = max / Math.max(1, count) - min / Math.max(1, count);
  const step = steps.find((step) => step >= rough);
  return step === undefined ? linearTicks(range, count) : multiples(min, max, step);
}

/**
 * Returns about `count` round values of a logarithmic axis, where `range` holds logarithms.
 *
 * The ticks are values, not logarithms. A narrow range gets the ticks of a linear axis.
 */
export function logTicks(range: Range, count: number, base: 2 | 10): number[] {
  const [low, high] = range;
  if (!Number.isFinite(low) || !Number.isFinite(high) || low > high) return [];
  const power = (exponent: number) => (base === 2 ? 2 ** exponent : Number(`1e${exponent}`));
  const inside = (value: number) => {
    const log = base === 2 ? Math.log2(value) : Math.log10(value);
    return value > 0 && value < Infinity && log >= low && log <= high;
  };
  const wanted = Math.min(MOST - 2, Math.max(2, count));
  const decades = high - low;
  if (decades < (base === 2 ? 1 : 0.7)) {
    const ends: Range = [base ** Math.max(low, -320), Math.min(base ** high, Number.MAX_VALUE)];
    return linearTicks(ends, wanted).filter(inside);
  }
  const stride = Math.max(1, Math.ceil(decades / wanted));
  const first = Math.ceil(low / stride) * stride;
  const factors = base === 2 || stride > 1 ? [1] : decades * 3 <= wanted + 1 ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let index = -1; index <= MOST && ticks.length < MOST; index += 1) {
    for (const factor of factors) {
      const value = factor * power(first + index * stride);
      const last = ticks.at(-1) ?? 0;
      if (inside(value) && value > last && ticks.length < MOST) ticks.push(value);
    }
  }
  return ticks;
}

/** Returns about `count` ticks of a range in the measure of its scale, as values. */
export function valueTicks(range: Range, count: number, scale: Scale): number[] {
  if (scale === "linear") return linearTicks(range, count);
  return logTicks(range, count, scale === "log2" ? 2 : 10);
}
