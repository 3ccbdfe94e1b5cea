import type { LogLine } from "../api/wire";

/** The most lines and characters that a page keeps. */
export const MOST_LINES = 200_000;
const MOST_CHARACTERS = 40_000_000;

/** The lines of a run after some number up to the newest, in bounded memory. Numbers grow, with gaps. */
export class LogWindow {
  /** Only added to at both ends. */
  lines: LogLine[] = [];
  /** All lines after this number are here. */
  begin = 0;
  private characters = 0;

  /** The number of the newest line. */
  get last(): number {
    return this.lines.at(-1)?.seq ?? this.begin;
  }

  /** Whether the run has lines before those that are here. */
  get older(): boolean {
    return this.begin > 0;
  }

  /** Whether no older lines fit. */
  get full(): boolean {
    return this.lines.length >= MOST_LINES || this.characters >= MOST_CHARACTERS;
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
    this.begin = this.lines[count - 1]?.seq ?? this.begin;
    this.lines.splice(0, count);
  }

  /** Adds older lines: all after a number up to those that are here. */
  prepend(lines: readonly LogLine[], begin: number): void {
    const older = lines.filter(({ seq }) => seq <= this.begin);
    for (const { text } of older) this.characters += text.length;
    this.lines = older.concat(this.lines);
    this.begin = begin;
  }

  private charactersFrom(index: number): number {
    let sum = 0;
    for (let line = index; line < this.lines.length; line += 1) sum += this.lines[line]?.text.length ?? 0;
    return sum;
  }
}
