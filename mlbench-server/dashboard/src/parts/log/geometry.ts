import type { LogLine } from "../../api/wire";
import { plainLine } from "../../lib/ansi";

/** Height of a line on the screen in pixels. */
export const LINE = 20;

/** Where the lines of a log are on the screen, in pixels from its top. */
export interface Geometry {
  height: number;
  top(index: number): number;
  /** The line at a height. */
  at(top: number): number;
}

/** Lines of one height each. */
export function fixedLines(count: number): Geometry {
  return {
    height: count * LINE,
    top: (index) => index * LINE,
    at: (top) => Math.max(0, Math.min(count - 1, Math.floor(top / LINE))),
  };
}

/** Lines that wrap at a number of columns. Measured once each while lines come at the end. */
export class WrappedLines implements Geometry {
  private readonly columns: number;
  private readonly tops: number[] = [0];
  private readonly first: number;

  constructor(rows: readonly LogLine[], columns: number) {
    this.columns = Math.max(10, columns);
    this.first = rows[0]?.seq ?? 0;
    this.extend(rows);
  }

  /** Returns the geometry of other lines: this one, extended, where they only continue its own. */
  static of(before: WrappedLines | undefined, rows: readonly LogLine[], columns: number): WrappedLines {
    const same = before?.columns === Math.max(10, columns) && before.first === (rows[0]?.seq ?? 0);
    if (!same || rows.length < before.count) return new WrappedLines(rows, columns);
    before.extend(rows);
    return before;
  }

  get height(): number {
    return this.tops[this.count] ?? 0;
  }

  top(index: number): number {
    return this.tops[Math.max(0, Math.min(index, this.count))] ?? 0;
  }

  at(top: number): number {
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.top(middle) <= top) low = middle;
      else high = middle - 1;
    }
    return Math.max(0, Math.min(low, this.count - 1));
  }

  private get count(): number {
    return this.tops.length - 1;
  }

  private extend(rows: readonly LogLine[]): void {
    for (let index = this.count; index < rows.length; index += 1) {
      const lines = Math.max(1, Math.ceil(width(rows[index]?.text ?? "") / this.columns));
      this.tops.push((this.tops[index] ?? 0) + lines * LINE);
    }
  }
}

/** Characters that take two columns: those of East Asia, and pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/gu;
const NARROW = /^[ -~]*$/;

/** Returns how many columns a line takes. */
export function width(text: string): number {
  const line = plainLine(text);
  if (NARROW.test(line)) return line.length;
  let columns = 0;
  for (const part of line.split("\t")) {
    const wide = part.match(WIDE)?.length ?? 0;
    columns = (Math.floor(columns / 8) + (columns === 0 ? 0 : 1)) * 8 + Array.from(part).length + wide;
  }
  return columns;
}
