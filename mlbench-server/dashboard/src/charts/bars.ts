import type { Scene, Shape } from "./scene";
import { numberText, valueText } from "./texts";

/** A bar of parts that make up a whole. */
export interface Bar {
  label: string;
  parts: readonly { name: string; color: number; value: number }[];
  /** Written at the end of the bar, for instance its length in seconds. */
  text: string;
}

const ROW = 30;
const BAR = 18;
/** The width of a letter of a label, and the space around the label. */
const LABEL = { letter: 6.8, space: 12 };

/**
 * Draws bars as shares of 100 %, or as lengths in seconds that can be compared.
 *
 * The number is written into each part that has room for it.
 */
export function barsScene(bars: readonly Bar[], width: number, inSeconds = false): Scene {
  const wholeOf = ({ parts }: Bar) => parts.reduce((sum, part) => sum + positive(part.value), 0);
  const longestTime = Math.max(0, ...bars.map(wholeOf));
  const texts = Math.max(0, ...bars.map(({ text }) => text.length)) * 6.6 + 16;
  const longest = Math.max(0, ...bars.map(({ label }) => label.length));
  const fitting = Math.floor((width * 0.36 - LABEL.space) / LABEL.letter);
  const most = Math.max(3, Math.min(longest, fitting));
  const labels = Math.max(40, most * LABEL.letter + LABEL.space);
  const room = Math.max(40, width - labels - texts);
  const shapes: Shape[] = [];
  bars.forEach((bar, row) => {
    const { label, parts, text } = bar;
    const y = row * ROW + 6;
    const base = y + BAR / 2 + 4;
    const short = label.length > most ? `${label.slice(0, most - 1)}…` : label;
    shapes.push({ is: "text", x: labels - 10, y: base, text: short, ink: "text", anchor: "end" });
    const whole = inSeconds ? longestTime : wholeOf(bar);
    let x = labels;
    for (const { name, color, value } of parts) {
      const share = whole > 0 ? positive(value) / whole : 0;
      const wide = share * room;
      const number = inSeconds ? valueText(positive(value), "seconds", 2) : percent(share);
      const title = `${label}, ${name}: ${number}`;
      // A gap of a pixel separates parts also for those who do not see their colours.
      shapes.push({ is: "rect", x, y, width: wide - 1, height: BAR, ink: `curve-${color % 8}`, title });
      if (wide > Math.max(44, number.length * 8)) {
        shapes.push({
          is: "text",
          x: x + wide / 2,
          y: base,
          text: number,
          ink: "surface",
          anchor: "middle",
          bold: true,
        });
      }
      x += wide;
    }
    shapes.push({ is: "text", x: x + 10, y: base, text, ink: "text-2" });
  });
  return { width, height: bars.length * ROW + 8, shapes };
}

function positive(value: number): number {
  return value > 0 && Number.isFinite(value) ? value : 0;
}

/** Returns a share in percent, without decimals from 10 % on. */
export function percent(share: number): string {
  const value = share * 100;
  return `${value >= 9.95 || value === 0 ? value.toFixed(0) : numberText(Number(value.toPrecision(2)))} %`;
}
