/**
 * Returns the time-weighted exponential average of a curve, with half of the weight of a point lost every `halfLife`.
 *
 * The average is that of the line through the points, from the first one on. So it depends neither on what is in
 * view, nor on how many points describe the same line, nor on what comes later. NaN stays a gap, and the average
 * passes over it as if a straight line led through.
 */
export function smooth(x: Float64Array, y: Float64Array, halfLife: number): Float64Array {
  if (!(halfLife > 0) || !Number.isFinite(halfLife)) return y;
  const rate = Math.LN2 / halfLife;
  const result = new Float64Array(y.length).fill(NaN);
  let weighted = 0;
  let weight = 0;
  let lastX = NaN;
  let lastY = NaN;
  // Points at one x before any line begins: their mean.
  let sum = 0;
  let count = 0;
  for (let index = 0; index < y.length; index += 1) {
    const value = y[index] ?? NaN;
    const at = x[index] ?? NaN;
    if (!Number.isFinite(value) || !Number.isFinite(at)) continue;
    const width = at - lastX;
    if (width > 0) {
      const kept = Math.exp(-rate * width);
      const gained = -Math.expm1(-rate * width) / rate;
      // The weight of the newer end of a straight piece; for a short one the series of the formula, which cancels.
      const step = rate * width;
      const newer = step < 1e-4 ? width * (0.5 - step / 6) : 1 / rate - gained / step;
      weighted = weighted * kept + lastY * (gained - newer) + value * newer;
      weight = weight * kept + gained;
    }
    if (weight === 0) {
      sum += value;
      count += 1;
    }
    result[index] = weight > 0 ? weighted / weight : sum / count;
    lastX = at;
    lastY = value;
  }
  return result;
}
