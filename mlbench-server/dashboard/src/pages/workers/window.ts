import { computed } from "@preact/signals";

import type { Range } from "../../charts/series";
import { now } from "../../lib/clock";

/** How far back the charts of workers go, in seconds. */
export const WINDOW = 1800;

/** The last 30 minutes, in seconds since 1970; moved on every ten seconds. */
export const lastMinutes = computed<Range>(() => {
  const end = ten.value;
  return [end - WINDOW, end];
});

const ten = computed(() => Math.ceil(now.value / 10_000) * 10);
