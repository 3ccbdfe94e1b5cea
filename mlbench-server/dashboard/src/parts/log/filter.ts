import type { LogLine, OutputStream } from "../../api/wire";

/** Which lines a log shows. */
export interface LogFilter {
  /** `server` for the lines of the server. */
  rank?: number | "server";
  stream?: OutputStream;
}

/** What a filter reads: the lines of a run in bounded memory. */
interface Source {
  readonly lines: readonly LogLine[];
}

/** The lines that pass a filter, looked at once each while lines come at both ends. */
export class FilteredLines {
  private rows: LogLine[] = [];
  private filter: LogFilter = {};
  private first = Infinity;
  private last = 0;

  /** Returns the lines that a filter lets pass. */
  update({ lines }: Source, filter: LogFilter): readonly LogLine[] {
    if (filter.rank === undefined && filter.stream === undefined) {
      this.filter = {};
      this.restart();
      return lines;
    }
    if (filter.rank !== this.filter.rank || filter.stream !== this.filter.stream) {
      this.filter = filter;
      this.restart();
    }
    const [first, last] = [lines[0]?.seq ?? Infinity, lines.at(-1)?.seq ?? 0];
    if (last > this.last || first !== this.first) this.extend(lines, first, last);
    return this.rows;
  }

  private extend(lines: readonly LogLine[], first: number, last: number): void {
    const older: LogLine[] = [];
    for (const line of lines) {
      if (line.seq >= this.first) break;
      if (passes(line, this.filter)) older.push(line);
    }
    const newer: LogLine[] = [];
    const known = Math.max(this.last, older.at(-1)?.seq ?? 0);
    for (let index = lines.length - 1; index >= 0; index -= 1) {
      const line = lines[index];
      if (line === undefined || line.seq <= known) break;
      if (passes(line, this.filter)) newer.push(line);
    }
    this.rows = [...older, ...this.rows.filter(({ seq }) => seq >= first), ...newer.reverse()];
    [this.first, this.last] = [first, last];
  }

  private restart(): void {
    this.rows = [];
    [this.first, this.last] = [Infinity, 0];
  }
}

function passes({ rank, stream }: LogLine, filter: LogFilter): boolean {
  if (filter.stream !== undefined && filter.stream !== stream) return false;
  return filter.rank === undefined || filter.rank === (rank ?? "server");
}

/** Returns the index of the first line with at least this number. */
export function indexOfSeq(rows: readonly { seq: number }[], seq: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.seq ?? Infinity) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
