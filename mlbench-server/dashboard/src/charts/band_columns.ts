import { inView, type Pen, type Projection } from "./trace";

/**
 * Draws the area between the least and the greatest values of buckets as a line down each column of pixels.
 *
 * Where there are about as many buckets as pixels, the outline of the area is a polygon that folds within every pixel,
 * and filling it takes 80 times as long as these lines. `floor` is below everything.
 */
export function traceColumns(
  pen: Pick<Pen, "moveTo" | "lineTo">,
  x: Float64Array,
  low: Float64Array,
  high: Float64Array,
  to: Projection,
  floor: number,
): void {
  const { view, left, right, toY } = to;
  const scale = (right - left) / (view[1] - view[0]);
  const start = Math.floor(left);
  const count = Math.max(0, Math.ceil(right) - start);
  const tops = new Float64Array(count).fill(Infinity);
  const bottoms = new Float64Array(count).fill(-Infinity);
  const reach = (column: number, top: number, bottom: number) => {
    tops[column] = Math.min(tops[column] ?? top, top);
    bottoms[column] = Math.max(bottoms[column] ?? bottom, bottom);
  };
  // The bucket before; NaN after a gap.
  let [beforeX, beforeTop, beforeBottom] = [NaN, NaN, NaN];
  const [first, last] = inView(x, view);
  for (let index = first; index < last; index += 1) {
    const top = toY(high[index] ?? NaN);
    if (!Number.isFinite(top)) {
      beforeX = NaN;
      continue;
    }
    const under = toY(low[index] ?? NaN);
    // On a logarithmic axis a bucket that reaches down to zero leaves the plot at the bottom.
    const bottom = Number.isFinite(under) ? under : floor;
    const at = left - start + ((x[index] ?? NaN) - view[0]) * scale;
    if (Number.isNaN(beforeX)) [beforeX, beforeTop, beforeBottom] = [at, top, bottom];
    // Between two buckets the area is a trapezium: in each column it reaches as far as at one of its sides there.
    const width = at - beforeX;
    const end = Math.min(count - 1, Math.floor(at));
    // The right edge belongs to the last column.
    const begin = beforeX === count ? count - 1 : Math.max(0, Math.floor(beforeX));
    for (let column = begin; column <= end; column += 1) {
      for (const side of [Math.max(beforeX, column), Math.min(at, column + 1)]) {
        const part = width > 0 ? (side - beforeX) / width : 1;
        reach(column, beforeTop + (top - beforeTop) * part, beforeBottom + (bottom - beforeBottom) * part);
      }
    }
    [beforeX, beforeTop, beforeBottom] = [at, top, bottom];
  }
  for (let column = 0; column < count; column += 1) {
    const [top = NaN, bottom = NaN] = [tops[column], bottoms[column]];
    if (!(top <= bottom)) continue;
    pen.moveTo(start + column + 0.5, top);
    pen.lineTo(start + column + 0.5, bottom);
  }
}
