import { type Signal, signal } from "@preact/signals";

import type { Range } from "./series";

/** What the charts of a page share: all have the same x axis. */
export interface ChartGroup {
  /** The part of the x axis in view; null is all of it. Whoever owns the group may keep it in the address. */
  zoom: Signal<Range | null>;
  /** The x under the crosshair. */
  cursor: Signal<number | null>;
}

/** Creates the shared state of the charts of a page. */
export function createGroup(zoom: Range | null = null): ChartGroup {
  return { zoom: signal(zoom), cursor: signal(null) };
}
