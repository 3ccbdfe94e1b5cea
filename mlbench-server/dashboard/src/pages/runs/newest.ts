import { signal, type Signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";

import { getBuckets, type SeriesInfo } from "../../api/metrics";
import type { MeasuredValue, Run } from "../../api/wire";
import { numberOf } from "../../lib/number";
import { pointsOf, useCatalog, usePoints } from "../../live/use-points";
import { isActive } from "../../parts/state";
import { choose } from "./choose";
import type { Measure } from "./measure";
import { downsampled } from "./spark";
import { runValues } from "./values";

/** A metric of a run for the list: its newest value, and the way to it. */
export interface Newest {
  name: string;
  value: number;
  values: readonly number[];
}

/** The metrics of a run that the list shows. */
type Shown = Record<Measure, Newest | undefined>;

/**
 * How the sparklines of ended runs are read: requests at a time, points of a sparkline, runs kept, milliseconds that the
 * list has to stand still before, and milliseconds before another attempt.
 */
const LIMITS = { requests: 4, points: 30, kept: 2000, pause: 150, retry: 2000 };

interface Entry {
  shown: Signal<Shown | undefined>;
  state: "unread" | "reading" | "read";
}

const entries = new Map<number, Entry>();
let wanted: readonly Run[] = [];
let reading = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Returns a measure of an ended run: its value, and its sparkline once that is read. */
export function newestOf(id: number, which: Measure): Newest | undefined {
  const shown = entry(id).shown.value?.[which];
  const known = runValues.values.value.get(id)?.[which];
  return known === undefined
    ? shown
    : { name: known.name, value: known.value ?? NaN, values: shown?.values ?? [] };
}

/** Reads the sparklines of those of these runs that have ended, until the next call. */
export function want(runs: readonly Run[]): void {
  wanted = runs;
  pumpAfter(LIMITS.pause);
}

/** Goes on with the runs whose values have become known. */
export function resume(): void {
  pumpAfter(0);
}

function pumpAfter(milliseconds: number) {
  clearTimeout(timer);
  timer = setTimeout(pump, milliseconds);
}

function pump() {
  for (const run of wanted) {
    if (reading >= LIMITS.requests) return;
    const known = entry(run.id);
    if (isActive(run) || known.state !== "unread" || !runValues.isFinal(run.id)) continue;
    known.state = "reading";
    reading++;
    read(run.id).then(
      (shown) => {
        known.state = "read";
        known.shown.value = shown;
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

async function read(id: number): Promise<Shown> {
  const { loss, accuracy } = runValues.values.peek().get(id) ?? {};
  const names = [loss?.name, accuracy?.name].filter((name) => name !== undefined);
  const buckets = names.length === 0 ? undefined : await getBuckets({ run: id }, LIMITS.points, { names });
  const newest = (measured: MeasuredValue | undefined): Newest | undefined => {
    if (measured === undefined) return undefined;
    const values = buckets?.series.get(measured.name)?.map(({ last }) => last ?? NaN) ?? [];
    return { name: measured.name, value: measured.value ?? NaN, values };
  };
  return { loss: newest(loss), accuracy: newest(accuracy) };
}

/** Follows a value of an active run while a component is shown. */
export function useLiveValue(id: number, which: Measure): Newest | undefined {
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
    const { shown } = entry(id);
    const before = shown.peek() ?? { loss: undefined, accuracy: undefined };
    if (newest !== undefined) shown.value = { ...before, [which]: newest };
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
    known = { shown: signal(undefined), state: "unread" };
    entries.set(id, known);
    const [oldest] = entries.keys();
    if (entries.size > LIMITS.kept && oldest !== undefined) entries.delete(oldest);
  }
  return known;
}
