import { signal, type Signal } from "@preact/signals";

import { getBuckets, getSeries } from "../../api/metrics";
import type { Run } from "../../api/wire";
import { numberOf } from "../../lib/number";
import { isActive } from "../../parts/state";
import { choose } from "./choose";

/** A metric of a run for the list: its newest value, and the way to it. */
export interface Newest {
  name: string;
  value: number;
  values: readonly number[];
}

/** The metrics of a run that the list shows. */
export interface RunValues {
  loss: Newest | undefined;
  accuracy: Newest | undefined;
}

/** How the values are read: requests at a time, points of a sparkline, runs kept, milliseconds between reads
 * of a run, and milliseconds that the list has to stand still before. */
const LIMITS = { requests: 4, points: 30, kept: 2000, refresh: 2000, pause: 150 };

interface Entry {
  values: Signal<RunValues | undefined>;
  /** When the values were read, in milliseconds; Infinity when the run had ended by then and they stay. */
  read: number;
}

const entries = new Map<number, Entry>();
let wanted: readonly Run[] = [];
let reading = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Returns the values of a run: undefined until they are read. */
export function valuesOf(id: number): Signal<RunValues | undefined> {
  return entry(id).values;
}

/** Reads the values of these runs, those of active runs again and again, until the next call. */
export function want(runs: readonly Run[]): void {
  wanted = runs;
  clearTimeout(timer);
  timer = setTimeout(pump, LIMITS.pause);
}

setInterval(() => {
  if (document.visibilityState === "visible") pump();
}, LIMITS.refresh / 2);

function pump() {
  for (const run of wanted) {
    if (reading >= LIMITS.requests) return;
    const known = entry(run.id);
    if (Date.now() - known.read < LIMITS.refresh || known.read === Infinity) continue;
    known.read = Date.now();
    reading++;
    void read(run, known).finally(() => {
      reading--;
      pump();
    });
  }
}

async function read(run: Run, known: Entry) {
  try {
    const owner = { run: run.id };
    const series = (await getSeries(owner)).filter(({ min }) => min !== null);
    const chosen = choose(series.map(({ name }) => name));
    const names = [chosen.loss, chosen.accuracy].filter((name) => name !== undefined);
    const buckets = names.length === 0 ? undefined : await getBuckets(owner, LIMITS.points, { names });
    const newest = (name: string | undefined): Newest | undefined => {
      const found = series.find((candidate) => candidate.name === name);
      if (found === undefined) return undefined;
      const values = buckets?.series.get(found.name)?.map(({ last }) => last) ?? [];
      return { name: found.name, value: numberOf(found.last_value), values };
    };
    known.values.value = { loss: newest(chosen.loss), accuracy: newest(chosen.accuracy) };
    if (!isActive(run)) known.read = Infinity;
  } catch {
    // The list already says that the server does not respond; the values come with the next attempt.
  }
}

function entry(id: number): Entry {
  let known = entries.get(id);
  if (known === undefined) {
    known = { values: signal(undefined), read: 0 };
    entries.set(id, known);
    const [oldest] = entries.keys();
    if (entries.size > LIMITS.kept && oldest !== undefined) entries.delete(oldest);
  }
  return known;
}
