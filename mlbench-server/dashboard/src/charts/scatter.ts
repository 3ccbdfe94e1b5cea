import { dashOf } from "./model";
import { fraction, measure, padded } from "./scale";
import type { Scene, Shape } from "./scene";
import type { Range, Scale, Unit } from "./series";
import { numberText, tickTexts, valueText } from "./texts";
import { valueTicks } from "./ticks";

/** A measurement. */
export interface Dot {
  x: number;
  /** Undefined where the measurement did not get there: a cross at the top. */
  y: number | undefined;
  /** Not to be trusted like the others, for instance with more workers than cores. */
  hollow?: boolean;
  title?: string;
}

/** The middle of several measurements at one x, and how sure it is. */
export interface Middle {
  x: number;
  y: number;
  low: number;
  high: number;
  hollow?: boolean;
  /** Written beside it. */
  text?: string;
}

/** Measurements that belong together. */
export interface DotGroup {
  label: string;
  color: number;
  dots: readonly Dot[];
  /** In the order of x; a line joins them. */
  middles: readonly Middle[];
}

/** A chart of single measurements. */
export interface Scatter {
  groups: readonly DotGroup[];
  x: { name: string; scale: Scale; unit?: Unit };
  y: { name: string; scale: Scale; unit: Unit };
  /** A dashed line of what would be ideal, with its name. */
  ideal?: { name: string; points: readonly (readonly [number, number])[] };
}

const TOP = 14;
const BOTTOM = 44;
const RIGHT = 18;

/** Up to how many x have a tick each. */
const MOST_TICKS = 12;

/** Returns the ticks of the x axis: only where measured, or powers of two between very many. */
export function ticksOf(xs: readonly number[], scale: Scale): readonly number[] {
  const [first = 0, last = 0] = [xs[0], xs.at(-1)];
  if (xs.length <= MOST_TICKS || scale !== "log2" || !(first > 0)) return xs;
  const [from, to] = [Math.ceil(Math.log2(first)), Math.floor(Math.log2(last))];
  // Every fifth power and its double are round in bytes: 1 KiB, 32 KiB, 1 MiB.
  const step = [1, 2, 5].find((step) => (to - from) / step < MOST_TICKS) ?? 10;
  const begin = Math.ceil(from / step) * step;
  return Array.from(
    { length: Math.floor((to - begin) / step) + 1 },
    (_, index) => 2 ** (begin + index * step),
  );
}

/** Draws measurements: a dot for each, a mark and an interval for the middle, and the axes. */
export function scatterScene({ groups, x, y, ideal }: Scatter, width: number, height: number): Scene {
  const toX = measure(x.scale);
  const toY = measure(y.scale);
  const dots = groups.flatMap((group) => group.dots);
  const xs = [...new Set([...dots, ...groups.flatMap(({ middles }) => middles)].map((dot) => dot.x))]
    .filter((value) => Number.isFinite(toX(value)))
    .sort((a, b) => a - b);
  const xRange = rangeOf(xs.map(toX), 0.08);
  const ys = [
    ...dots.map((dot) => dot.y ?? NaN),
    ...groups.flatMap(({ middles }) => middles.flatMap((middle) => [middle.low, middle.y, middle.high])),
    ...(ideal?.points ?? [])
      .filter(([at]) => xs.length === 0 || at <= (xs.at(-1) ?? at))
      .map(([, value]) => value),
  ];
  const yRange = rangeOf(ys.map(toY), 0.1);
  const known = ys.some((value) => Number.isFinite(toY(value)));
  const ticks = known ? valueTicks(yRange, Math.max(3, (height - TOP - BOTTOM) / 44), y.scale) : [];
  const texts = tickTexts(ticks, y.unit, y.scale);
  const left = Math.max(44, ...texts.map((text) => text.length * 6.6 + 16));
  const bottom = height - BOTTOM;
  const atX = (value: number) => left + fraction(toX(value), xRange) * (width - RIGHT - left);
  const atY = (value: number) => bottom - fraction(toY(value), yRange) * (bottom - TOP);
  const shapes: Shape[] = [];
  ticks.forEach((tick, index) => {
    const at = atY(tick);
    shapes.push({
      is: "line",
      points: [
        [left, at],
        [width - RIGHT, at],
      ],
      ink: "line",
    });
    shapes.push({
      is: "text",
      x: left - 8,
      y: at + 4,
      text: texts[index] ?? "",
      ink: "text-2",
      anchor: "end",
    });
  });
  let free = -Infinity;
  for (const value of ticksOf(xs, x.scale)) {
    const at = atX(value);
    shapes.push({
      is: "line",
      points: [
        [at, bottom],
        [at, bottom + 4],
      ],
      ink: "line-strong",
    });
    const text = x.unit === undefined ? numberText(value) : valueText(value, x.unit);
    if (at - text.length * 4 < free) continue;
    free = at + text.length * 4 + 6;
    shapes.push({ is: "text", x: at, y: bottom + 18, text, ink: "text-2", anchor: "middle" });
  }
  shapes.push({
    is: "text",
    x: (left + width - RIGHT) / 2,
    y: height - 8,
    text: x.name,
    ink: "text-2",
    anchor: "middle",
  });
  if (ideal !== undefined) {
    const points = ideal.points.map(([at, value]) => [atX(at), atY(value)] as const).filter(isFinitePoint);
    shapes.push({ is: "line", points, ink: "line-strong", width: 1.5, dash: [6, 4] });
    // At the last piece, to the left of where it begins: nothing measured lies above the ideal there.
    const end = points.at(-2) ?? points.at(-1);
    if (end !== undefined) {
      shapes.push({
        is: "text",
        x: end[0] - 12,
        y: Math.max(TOP, end[1] - 8),
        text: ideal.name,
        ink: "text-2",
        anchor: "end",
      });
    }
  }
  const place: Place = { atX, atY, top: TOP, unit: y.unit };
  for (const group of groups) shapes.push(...groupShapes(group, place));
  shapes.push(...middleTexts(groups, place));
  return { width, height, shapes };
}

/** Writes beside the middles what has room: above or below, and never over another text. */
function middleTexts(groups: readonly DotGroup[], { atX, atY }: Place): Shape[] {
  const taken: { x: number; y: number; half: number }[] = [];
  return groups.flatMap(({ middles, color }) =>
    middles.flatMap((middle): Shape[] => {
      const [x, y] = [atX(middle.x), atY(middle.y)];
      const { text = "" } = middle;
      if (text === "" || !isFinitePoint([x, y])) return [];
      const half = text.length * 3.4;
      const free = [y - 12, y + 21].find((at) =>
        taken.every((other) => Math.abs(other.y - at) > 13 || Math.abs(other.x - x) > half + other.half + 4),
      );
      taken.push({ x, y, half: 6 });
      if (free === undefined) return [];
      taken.push({ x, y: free, half });
      return [{ is: "text", x, y: free, text, ink: `curve-${color % 8}`, anchor: "middle", bold: true }];
    }),
  );
}

interface Place {
  atX: (value: number) => number;
  atY: (value: number) => number;
  top: number;
  unit: Unit;
}

function groupShapes({ label, color, dots, middles }: DotGroup, { atX, atY, top, unit }: Place): Shape[] {
  const ink = `curve-${color % 8}` as const;
  const shapes: Shape[] = [];
  const line = middles.map((middle) => [atX(middle.x), atY(middle.y)] as const).filter(isFinitePoint);
  const dash = dashOf(color);
  if (line.length > 1)
    shapes.push({ is: "line", points: line, ink, width: 1.75, ...(dash.length > 0 && { dash }) });
  for (const middle of middles) {
    const at = atX(middle.x);
    const [low, high] = [atY(middle.low), atY(middle.high)];
    if (!isFinitePoint([low, high])) continue;
    shapes.push({
      is: "line",
      points: [
        [at, low],
        [at, high],
      ],
      ink,
      width: 1.5,
    });
    for (const end of [low, high])
      shapes.push({
        is: "line",
        points: [
          [at - 4, end],
          [at + 4, end],
        ],
        ink,
        width: 1.5,
      });
  }
  for (const dot of dots) {
    const at = atX(dot.x);
    if (!Number.isFinite(at)) continue;
    const title = dot.title ?? `${label}: ${dot.y === undefined ? "not reached" : valueText(dot.y, unit)}`;
    if (dot.y === undefined) {
      const [a, b] = [4, top + 4];
      shapes.push({
        is: "line",
        points: [
          [at - a, b - a],
          [at + a, b + a],
        ],
        ink,
        width: 1.75,
      });
      shapes.push({
        is: "line",
        points: [
          [at - a, b + a],
          [at + a, b - a],
        ],
        ink,
        width: 1.75,
      });
      continue;
    }
    const y = atY(dot.y);
    // Beside the middle, so that the dots do not hide it.
    if (Number.isFinite(y)) {
      shapes.push({
        is: "circle",
        x: at + 9,
        y,
        radius: 2.5,
        ink,
        ...(dot.hollow === true && { hollow: true }),
        title,
      });
    }
  }
  for (const middle of middles) {
    const [at, y] = [atX(middle.x), atY(middle.y)];
    if (!isFinitePoint([at, y])) continue;
    const title = `${label}: ${valueText(middle.y, unit)}`;
    shapes.push({
      is: "circle",
      x: at,
      y,
      radius: 4.5,
      ink,
      ...(middle.hollow === true && { hollow: true }),
      title,
    });
  }
  return shapes;
}

function rangeOf(values: readonly number[], part: number): Range {
  const finite = values.filter(Number.isFinite);
  return padded(Math.min(...finite), Math.max(...finite), part);
}

function isFinitePoint(point: readonly [number, number]): boolean {
  return point.every(Number.isFinite);
}
