import { computed } from "@preact/signals";

import type { ChartSeries, Range } from "../../charts/series";
import { now } from "../../lib/clock";

/** How far back the charts of workers go, in seconds. */
export const WINDOW = 1800;

/** The least that they show, in seconds, so that the first samples have room. */
const LEAST = 120;

const end = computed(() => Math.ceil(now.value / 10_000) * 10);

/** Returns the last 30 minutes in seconds since 1970, or the part of them since the first point of some curves. */
export function recent(series: readonly Pick<ChartSeries, "x">[]): Range {
  const to = end.value;
  const first = Math.min(to - LEAST, ...series.map(({ x }) => x[0] ?? to));
  return [Math.max(to - WINDOW, first), to];
}
