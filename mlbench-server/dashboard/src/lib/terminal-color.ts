import type { TerminalColor, TextStyle } from "./ansi";

type Rgb = readonly [red: number, green: number, blue: number];

/** The surface of the page in both themes, as in tokens.css, and its text. */
const SURFACES: readonly [Rgb, Rgb] = [
  [255, 255, 255],
  [24, 29, 35],
];
const TEXTS: readonly [Rgb, Rgb] = [
  [27, 31, 36],
  [232, 235, 238],
];
/** The contrast that small text needs (WCAG 2, AA). */
const CONTRAST = 4.5;

const BASIC: readonly Rgb[] = [
  [40, 44, 52],
  [190, 40, 40],
  [30, 130, 60],
  [150, 110, 0],
  [30, 90, 200],
  [150, 50, 150],
  [0, 130, 145],
  [150, 155, 165],
  [100, 105, 115],
  [225, 70, 70],
  [60, 170, 90],
  [200, 150, 20],
  [70, 130, 235],
  [190, 90, 190],
  [30, 165, 180],
  [230, 233, 238],
];

/** Returns the CSS of a style, readable in both themes; undefined for plain text. */
export function styleOf(style: TextStyle | undefined): Record<string, string> | undefined {
  if (style === undefined) return undefined;
  const key = JSON.stringify(style);
  let css = cache.get(key);
  if (css === undefined) {
    css = cssOf(style);
    // Colour gradients could otherwise fill the memory.
    if (cache.size >= 2_000) cache.clear();
    cache.set(key, css);
  }
  return css;
}

const cache = new Map<string, Record<string, string>>();

function cssOf(style: TextStyle): Record<string, string> {
  const css: Record<string, string> = {};
  const [front, back] =
    style.inverse === true ? [style.background, style.color] : [style.color, style.background];
  const filled = back !== undefined || style.inverse === true;
  if (front !== undefined || filled) {
    const pairs = [0, 1].map((theme) => colorsOf(front, back, filled, theme as 0 | 1));
    css["color"] = both(pairs.map(({ text }) => text));
    if (filled) css["background-color"] = both(pairs.map(({ fill }) => fill));
  }
  if (style.bold === true) css["font-weight"] = "650";
  if (style.italic === true) css["font-style"] = "italic";
  const lines = [style.underline === true ? "underline" : "", style.strike === true ? "line-through" : ""];
  const decoration = lines.filter((line) => line !== "").join(" ");
  if (decoration !== "") css["text-decoration"] = decoration;
  return css;
}

function colorsOf(
  front: TerminalColor | undefined,
  back: TerminalColor | undefined,
  filled: boolean,
  theme: 0 | 1,
): { text: Rgb; fill: Rgb } {
  const fill = back === undefined ? (filled ? TEXTS[theme] : SURFACES[theme]) : rgbOf(back);
  const text = front === undefined ? (back === undefined ? SURFACES[theme] : TEXTS[theme]) : rgbOf(front);
  return { text: readable(text, fill), fill };
}

/** Returns a colour moved towards black or white until it can be read on another. */
export function readable(color: Rgb, surface: Rgb): Rgb {
  const target: Rgb =
    contrast([255, 255, 255], surface) > contrast([0, 0, 0], surface) ? [255, 255, 255] : [0, 0, 0];
  for (let part = 0; part <= 1; part += 0.05) {
    const mixed = color.map((value, index) => Math.round(value + ((target[index] ?? 0) - value) * part));
    const next: Rgb = [mixed[0] ?? 0, mixed[1] ?? 0, mixed[2] ?? 0];
    if (contrast(next, surface) >= CONTRAST) return next;
  }
  return target;
}

/** Returns the contrast of two colours, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [bright, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return ((bright ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

/** Returns red, green and blue of a colour of a terminal. */
export function rgbOf(color: TerminalColor): Rgb {
  if (typeof color !== "number") return color;
  const basic = BASIC[color];
  if (basic !== undefined) return basic;
  if (color >= 232) {
    const gray = 8 + (color - 232) * 10;
    return [gray, gray, gray];
  }
  const level = (part: number) => (part === 0 ? 0 : 55 + part * 40);
  const cube = color - 16;
  return [level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)];
}

function luminance(color: Rgb): number {
  const [red = 0, green = 0, blue = 0] = color.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function both(colors: readonly Rgb[]): string {
  const [light, dark] = colors.map((color) => `rgb(${color.join(" ")})`);
  return light === dark ? (light ?? "") : `light-dark(${light ?? ""}, ${dark ?? ""})`;
}
