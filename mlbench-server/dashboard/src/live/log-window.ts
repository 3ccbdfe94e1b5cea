import type { LogLine } from "../api/wire";

/** The most lines and characters that a page keeps. */
export const MOST_LINES = 200_000;
const MOST_CHARACTERS = 40_000_000;

/** The lines of a run from some line to the newest, in bounded memory. Their numbers have no gaps. */
export class LogWindow {
  /** Only added to at both ends; whoever reads it notes `removed` and `added`. */
  lines: LogLine[] = [];
  /** How many lines were put before those that were there, and how many removed there, in total. */
  added = 0;
  removed = 0;
  private characters = 0;
  private begin = 0;

  /** The number of the newest line. */
  get last(): number {
    return this.lines.at(-1)?.seq ?? this.begin;
  }

  /** How many lines of the run come before those that are here. */
  get older(): number {
    const first = this.lines[0];
    return first === undefined ? this.begin : first.seq - 1;
  }

  /** Whether older lines fit. */
  get full(): boolean {
    return this.lines.length >= MOST_LINES || this.characters >= MOST_CHARACTERS;
  }

  /** Says that the lines here begin after a number. */
  startAfter(seq: number): void {
    if (this.lines.length === 0) this.begin = seq;
  }

  /** Adds newer lines; those that are here already are left out. The oldest make room. */
  append(lines: readonly LogLine[]): void {
    const { last } = this;
    for (const line of lines) {
      if (line.seq <= last) continue;
      this.lines.push(line);
      this.characters += line.text.length;
    }
    // In steps, as removing from the front moves all others.
    if (this.lines.length <= MOST_LINES * 1.1 && this.characters <= MOST_CHARACTERS * 1.1) return;
    let count = Math.max(0, this.lines.length - MOST_LINES);
    while (count < this.lines.length - 1 && this.charactersFrom(count) > MOST_CHARACTERS) count += 1_000;
    this.characters = this.charactersFrom(count);
    this.lines.splice(0, count);
    this.removed += count;
  }

  /** Adds older lines. */
  prepend(lines: readonly LogLine[]): void {
    const first = this.lines[0]?.seq ?? Infinity;
    const older = lines.filter(({ seq }) => seq < first);
    for (const { text } of older) this.characters += text.length;
    this.lines = older.concat(this.lines);
    this.added += older.length;
  }

  private charactersFrom(index: number): number {
    let sum = 0;
    for (let line = index; line < this.lines.length; line += 1) sum += this.lines[line]?.text.length ?? 0;
    return sum;
  }
}
