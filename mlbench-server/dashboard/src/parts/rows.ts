/** The rows that a scrolled table renders, `start` included and `end` not. */
export interface Slice {
  start: number;
  end: number;
}

/** How many rows are rendered above and below those in view, so that a fast scroll shows no gap. */
const OVERSCAN = 6;

/** The step by which the slice moves, so that most scroll events render nothing. */
const STEP = 4;

/** Returns the rows to render at a scroll position. All lengths in pixels. */
export function slice(count: number, rowHeight: number, scrollTop: number, viewHeight: number): Slice {
  const first = Math.floor(scrollTop / rowHeight / STEP) * STEP;
  const visible = Math.ceil(viewHeight / rowHeight);
  const start = Math.max(0, Math.min(first - OVERSCAN, count - visible - OVERSCAN));
  return { start, end: Math.max(0, Math.min(count, first + visible + OVERSCAN + STEP)) };
}

/** Returns the row that a key moves to from `row`, or undefined if the key moves nowhere. */
export function moved(key: string, row: number, count: number, page: number): number | undefined {
  const targets: Record<string, number> = {
    ArrowDown: row + 1,
    ArrowUp: row - 1,
    PageDown: row + page,
    PageUp: row - page,
    Home: 0,
    End: count - 1,
  };
  const target = targets[key];
  return target === undefined || count === 0 ? undefined : Math.max(0, Math.min(count - 1, target));
}

/** Returns how far a table must scroll so that a row is in view below the header. */
export function scrollTo(row: number, rowHeight: number, scrollTop: number, viewHeight: number): number {
  const top = row * rowHeight;
  if (top < scrollTop) return top;
  return Math.max(scrollTop, top + rowHeight - viewHeight);
}
