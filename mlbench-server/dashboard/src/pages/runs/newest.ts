import { signal, type Signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";

import { getBuckets, getSeries, type SeriesInfo } from "../../api/metrics";
import type { Run } from "../../api/wire";
import { numberOf } from "../../lib/number";
import { pointsOf, useCatalog, usePoints } from "../../live/use-points";
import { isActive } from "../../parts/state";
import { choose } from "./choose";
import { downsampled } from "./spark";

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

/**
 * How the values of ended runs are read: requests at a time, points of a sparkline, runs kept, milliseconds that the
 * list has to stand still before, and milliseconds before another attempt.
 */
const LIMITS = { requests: 4, points: 30, kept: 2000, pause: 150, retry: 2000 };

interface Entry {
  values: Signal<RunValues | undefined>;
  state: "unread" | "reading" | "read";
}

const entries = new Map<number, Entry>();
let wanted: readonly Run[] = [];
let reading = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Returns the values of an ended run: undefined until they are read. */
export function valuesOf(id: number): Signal<RunValues | undefined> {
  return entry(id).values;
}

/** Reads the values of those of these runs that have ended, until the next call. */
export function want(runs: readonly Run[]): void {
  wanted = runs;
  pumpAfter(LIMITS.pause);
}

function pumpAfter(milliseconds: number) {
  clearTimeout(timer);
  timer = setTimeout(pump, milliseconds);
}

function pump() {
  for (const run of wanted) {
    if (reading >= LIMITS.requests) return;
    const known = entry(run.id);
    if (isActive(run) || known.state !== "unread") continue;
    known.state = "reading";
    reading++;
    read(run.id).then(
      (values) => {
        known.state = "read";
        known.values.value = values;
        reading--;
        pump();
      },
      () => {
        // The list says that the server does not respond; the values come with a later attempt.
        known.state = "unread";
        reading--;
        pumpAfter(LIMITS.retry);
      },
    );
  }
}

async function read(id: number): Promise<RunValues> {
  const owner = { run: id };
  const series = await getSeries(owner);
  const chosen = chooseOf(series);
  const names = [chosen.loss, chosen.accuracy].filter((name) => name !== undefined);
  const buckets = names.length === 0 ? undefined : await getBuckets(owner, LIMITS.points, { names });
  const newest = (name: string | undefined): Newest | undefined => {
    const found = series.find((candidate) => candidate.name === name);
    if (found === undefined) return undefined;
    const values = buckets?.series.get(found.name)?.map(({ last }) => last ?? NaN) ?? [];
    return { name: found.name, value: numberOf(found.last_value), values };
  };
  return { loss: newest(chosen.loss), accuracy: newest(chosen.accuracy) };
}

/** Follows a value of an active run while a component is shown. */
export function useLiveValue(id: number, which: keyof RunValues): Newest | undefined {
  const store = useMemo(() => pointsOf({ run: id }), [id]);
  const catalog = useCatalog(store);
  const name = useMemo(() => chooseOf(catalog ?? [])[which], [catalog, which]);
  const series = usePoints(store, name === undefined ? [] : [name]).get(name ?? "");
  const known = series?.ready === true ? series : undefined;
  const newest = useMemo(
    () =>
      known && {
        name: known.name,
        value: numberOf(known.text),
        values: downsampled(known.value, LIMITS.points),
      },
    [known],
  );
  useEffect(() => {
    // What is known stays in view from the end of the run until its values are read.
    const { values } = entry(id);
    const before = values.peek() ?? { loss: undefined, accuracy: undefined };
    if (newest !== undefined) values.value = { ...before, [which]: newest };
  }, [id, which, newest]);
  return newest;
}

/** Chooses among the metrics that have a number. */
function chooseOf(series: readonly SeriesInfo[]) {
  return choose(series.filter(({ min }) => min !== null).map(({ name }) => name));
}

function entry(id: number): Entry {
  let known = entries.get(id);
  if (known === undefined) {
    known = { values: signal(undefined), state: "unread" };
    entries.set(id, known);
    const [oldest] = entries.keys();
    if (entries.size > LIMITS.kept && oldest !== undefined) entries.delete(oldest);
  }
  return known;
}
