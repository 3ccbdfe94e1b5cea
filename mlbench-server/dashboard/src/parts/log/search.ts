import type { LogLine } from "../../api/wire";
import { plainLine, type Span } from "../../lib/ansi";
import { indexOfSeq } from "./filter";

/** The lines that contain a text, looked for in small parts so that the page stays quick. */
export class LogSearch {
  /** Numbers of the lines found, ascending. */
  found: number[] = [];
  private text = "";
  private first = 0;
  private next = 0;

  /** Looks on for as long as `more` says so, and returns whether all lines have been looked at. */
  advance(rows: readonly LogLine[], text: string, more: () => boolean): boolean {
    this.follow(rows, text);
    if (text === "") return true;
    let index = indexOfSeq(rows, this.next);
    while (index < rows.length) {
      const end = Math.min(rows.length, index + PART);
      for (; index < end; index += 1) {
        const line = rows[index];
        if (line !== undefined && plainLine(line.text).toLowerCase().includes(text))
          this.found.push(line.seq);
      }
      this.next = (rows[index - 1]?.seq ?? 0) + 1;
      if (!more()) break;
    }
    return index >= rows.length;
  }

  /** Begins anew for another text or when older lines came, and forgets lines that went. */
  private follow(rows: readonly LogLine[], text: string): void {
    const first = rows[0]?.seq ?? 0;
    if (text !== this.text || first < this.first) {
      this.text = text;
      this.found = [];
      this.next = 0;
    } else if (first > this.first) {
      this.found = this.found.filter((seq) => seq >= first);
    }
    this.first = first;
  }
}

const PART = 500;

/** Returns the found line after or before another; the first or last beyond the end. */
export function step(found: readonly number[], from: number, forward: boolean): number | undefined {
  if (forward) return found.find((seq) => seq > from) ?? found[0];
  return found.findLast((seq) => seq < from) ?? found.at(-1);
}

/** A piece of a line that is in one style and found or not. */
export interface Piece extends Span {
  hit: boolean;
}

/** Splits the pieces of a line where a text is found in it. */
export function markHits(spans: readonly Span[], text: string): Piece[] {
  if (text === "") return spans.map((span) => ({ ...span, hit: false }));
  const line = spans.map((span) => span.text).join("");
  const lower = line.toLowerCase();
  // In a few languages lower case has another length; such a line is found, but not marked.
  const marks = lower.length === line.length ? occurrences(lower, text) : [];
  const pieces: Piece[] = [];
  let start = 0;
  for (const span of spans) {
    const end = start + span.text.length;
    const cuts = marks
      .flatMap((mark) => [mark, mark + text.length])
      .filter((cut) => cut > start && cut < end);
    for (const cut of [...cuts, end]) {
      const at = end - span.text.length;
      const piece = span.text.slice(start - at, cut - at);
      const hit = marks.some((mark) => mark <= start && start < mark + text.length);
      if (piece !== "") pieces.push({ text: piece, style: span.style, hit });
      start = cut;
    }
  }
  return pieces;
}

function occurrences(line: string, text: string): number[] {
  const found: number[] = [];
  for (let at = line.indexOf(text); at !== -1; at = line.indexOf(text, at + text.length)) found.push(at);
  return found;
}
