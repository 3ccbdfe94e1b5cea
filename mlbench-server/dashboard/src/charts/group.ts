import { type ReadonlySignal, type Signal, signal } from "@preact/signals";

import type { Range } from "./series";

/** What the charts of a page share: all have the same x axis. */
export interface ChartGroup {
  /** The part of the x axis in view; null is all of it. Its owner may keep it in the address. */
  zoom: Signal<Range | null>;
  /** The x under the crosshair. */
  cursor: Signal<number | null>;
  /** The same for texts: it follows some times a second, as fast as one can read. */
  read: ReadonlySignal<number | null>;
}

/** How long a text under the crosshair stays at least, in milliseconds. */
const PAUSE = 60;

/** Creates the shared state of the charts of a page. */
export function createGroup(zoom: Range | null = null): ChartGroup {
  const cursor = signal<number | null>(null);
  const read = signal<number | null>(null);
  let waiting = false;
  cursor.subscribe((x) => {
    if (x === read.peek() || waiting) return;
    read.value = x;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      read.value = cursor.peek();
    }, PAUSE);
  });
  return { zoom: signal(zoom), cursor, read };
}
