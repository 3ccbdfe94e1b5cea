import { type Extent, fromZero, xExtent, yExtent } from "./extent";
import { fraction, measure, padded } from "./scale";
import type { ChartSeries, Range, Scale, Unit, XAxis } from "./series";
import { smooth } from "./smooth";
import { byteStep, dateTexts, durationText, numberTexts, tickTexts } from "./texts";
import { linearTicks, valueTicks } from "./ticks";
import { dateTicks, durationTicks, type Offset } from "./time_ticks";

/** What a chart shows and how. */
export interface ModelOptions {
  /** The curves in view. */
  series: readonly ChartSeries[];
  /** All curves, also the hidden ones: they decide what all of the x axis is. */
  all: readonly ChartSeries[];
  axis: XAxis;
  scale: Scale;
  unit: Unit;
  /** Half-life of the smoothing in units of x; 0 is none. */
  halfLife: number;
  zoom: Range | null;
  offset: Offset;
  /** All of the x axis, where it is more than the points have. */
  whole?: Range | undefined;
  /** A value that the y axis reaches down to at least. */
  floor?: number | undefined;
}

/** A line across the plot with its text, at a fraction of the axis. */
export interface Tick {
  at: number;
  text: string;
}

/** A chart without pixels: what its canvas and its SVG draw. */
export interface Model extends ModelOptions {
  view: Range;
  /** The range of the y axis in the measure of its scale. */
  yRange: Range;
  extent: Extent;
  /** The line of each curve; it differs from its values when it is smoothed. */
  lines: readonly Float64Array[];
}

/** Smoothed curves by the values that they smooth. */
const smoothed = new WeakMap<Float64Array, { halfLife: number; x: Float64Array; line: Float64Array }>();

function lineOf({ x, y }: ChartSeries, halfLife: number): Float64Array {
  if (!(halfLife > 0)) return y;
  const known = smoothed.get(y);
  if (known?.halfLife === halfLife && known.x === x) return known.line;
  const line = smooth(x, y, halfLife);
  smoothed.set(y, { halfLife, x, line });
  return line;
}

/** Computes a chart from its curves. */
export function modelOf(options: ModelOptions): Model {
  const { series, all, axis, scale, halfLife, zoom, floor } = options;
  const whole = options.whole ?? fromZero(xExtent(all), axis) ?? [0, 1];
  const [from, to] = zoom ?? whole;
  const view: Range = from < to ? [from, to] : padded(from, to);
  const extent = yExtent(series, view, scale);
  const lines = series.map((curve) => lineOf(curve, halfLife));
  // An average may lie beyond all values in view: it knows those before.
  const averages = series.flatMap(({ key, x, y }, index) => {
    const line = lines[index];
    return line === undefined || line === y ? [] : [{ key, label: "", color: 0, x, y: line }];
  });
  if (averages.length > 0) {
    const { min, max } = yExtent(averages, view, scale);
    extent.min = Math.min(extent.min, min);
    extent.max = Math.max(extent.max, max);
  }
  const yRange = paddedFrom(extent, scale === "linear" ? floor : undefined, options.unit);
  return { ...options, view, extent, yRange, lines };
}

/** Returns the range of the y axis; a floor that is reached needs no space below. */
function paddedFrom({ min, max }: Extent, floor: number | undefined, unit: Unit): Range {
  if (floor === undefined || !(min <= max) || min < floor) return padded(min, max);
  // Less than a byte is no measure.
  const least = unit.startsWith("bytes") ? 4096 : 0;
  const [, top] = padded(floor, max - floor < least ? floor + least : max);
  return [floor, top];
}

/** Returns the ticks of the x axis. */
export function xTicks({ view, axis, offset, all, zoom, whole }: Model, pixels: number): Tick[] {
  if (zoom === null && whole === undefined && all.every(({ x }) => x.length === 0)) return [];
  const place = (ticks: readonly number[], texts: readonly string[]) =>
    ticks.map((tick, index) => ({ at: fraction(tick, view), text: texts[index] ?? "" }));
  switch (axis) {
    case "step": {
      const ticks = linearTicks(view, pixels / 80).filter(Number.isInteger);
      return place(ticks, numberTexts(ticks));
    }
    case "epoch": {
      const ticks = linearTicks(view, pixels / 80);
      return place(ticks, numberTexts(ticks));
    }
    case "wall": {
      const ticks = dateTicks(view, pixels / 80, offset);
      return place(ticks, dateTexts(ticks, offset));
    }
    case "relative":
    case "training": {
      const ticks = durationTicks(view, pixels / 80);
      return place(ticks, ticks.map(durationText));
    }
  }
}

/** Returns the ticks of the y axis, from below. */
export function yTicks({ yRange, scale, unit, extent }: Model, pixels: number): Tick[] {
  if (!(extent.min <= extent.max)) return [];
  const count = Math.max(3, pixels / 36);
  const toMeasure = measure(scale);
  const ticks =
    scale === "linear" && (unit === "bytes" || unit === "bytes/s")
      ? byteTicks(yRange, count)
      : valueTicks(yRange, count, scale);
  const texts = tickTexts(ticks, unit, scale);
  return ticks.map((tick, index) => ({ at: fraction(toMeasure(tick), yRange), text: texts[index] ?? "" }));
}

function byteTicks([min, max]: Range, count: number): number[] {
  const factor = 1024 ** byteStep(Math.max(Math.abs(min), Math.abs(max)));
  return linearTicks([min / factor, max / factor], count).map((tick) => tick * factor);
}

/** Returns how values map to vertical pixels, `top` being the pixel of the greatest. */
export function verticalOf({ scale, yRange }: Model, top: number, bottom: number): (value: number) => number {
  const height = bottom - top;
  const width = yRange[1] - yRange[0];
  if (scale === "linear" && Number.isFinite(width)) {
    return (value) => bottom - ((value - yRange[0]) / width) * height;
  }
  const toMeasure = measure(scale);
  return (value) => bottom - fraction(toMeasure(value), yRange) * height;
}

/** How the curves of a palette beyond the first eight are dashed, as lengths of strokes and gaps. */
const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [14, 4], [3, 6]];

/** Returns the dashes of a colour; none for the first eight. */
export function dashOf(color: number): readonly number[] {
  return DASHES[Math.floor(color / 8) % DASHES.length] ?? [];
}
