import { signal, type ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { getValues } from "../../api/values";
import type { Run } from "../../api/wire";
import { isActive } from "../../parts/state";
import type { ValuesById } from "./measure";

/** Milliseconds between a change of the list and the request, between two of a list that goes on, and after an error. */
const WAIT = { change: 300, follow: 5000, retry: 2000 };

/** Keeps the newest values of all runs: one request for 10,000 runs, then for those since the first that goes on. */
export class ValuesStore {
  private readonly published = signal<ValuesById>(new Map());
  /** The runs whose values were read after their end. */
  private final = new Set<number>();
  private wanted: readonly Run[] = [];
  private follow = false;
  private reading = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private soon = false;

  constructor(private readonly read: typeof getValues = getValues) {}

  /** The values. */
  get values(): ReadonlySignal<ValuesById> {
    return this.published;
  }

  /** Returns whether the values of a run are known and stay. */
  isFinal(id: number): boolean {
    return this.final.has(id);
  }

  /** Reads the values of these runs by ascending id; with `follow`, again and again of those that go on. */
  want(runs: readonly Run[], follow: boolean): void {
    this.wanted = runs;
    this.follow = follow;
    this.schedule(this.published.peek().size === 0 ? 0 : WAIT.change, true);
  }

  private schedule(milliseconds: number, soon: boolean) {
    // A request that is due soon stays due, however often the list changes.
    if (this.reading || (this.timer !== undefined && this.soon)) return;
    clearTimeout(this.timer);
    this.soon = soon;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.refresh();
    }, milliseconds);
  }

  private async refresh(): Promise<void> {
    const runs = this.wanted;
    const open = runs.filter((run) => !this.final.has(run.id));
    const ended = open.filter((run) => !isActive(run));
    const started = open.filter((run) => run.state === "STARTED");
    const [first] = this.follow ? open : ended;
    if (first === undefined) return;
    this.reading = true;
    let failed = false;
    try {
      await this.readFrom(first.id, runs);
      for (const { id } of ended) this.final.add(id);
    } catch {
      // The list says that the server does not respond; the values come with a later attempt.
      failed = true;
    }
    this.reading = false;
    if (failed) this.schedule(WAIT.retry, false);
    else if (runs !== this.wanted) this.schedule(WAIT.change, true);
    else if (this.follow && started.length > 0) this.schedule(WAIT.follow, false);
  }

  private async readFrom(first: number, runs: readonly Run[]): Promise<void> {
    const ids = new Set(runs.map(({ id }) => id));
    const values = new Map([...this.published.peek()].filter(([id]) => ids.has(id)));
    let after: number | null = first - 1;
    while (after !== null) {
      const page = await this.read(after);
      for (const run of page.runs) values.set(run.run_id, run);
      after = page.next;
    }
    this.final = new Set([...this.final].filter((id) => ids.has(id)));
    this.published.value = values;
  }
}

/** The values that the list shows. */
export const runValues = new ValuesStore();

/** Follows the values of runs while a component is shown. */
export function useValues(runs: readonly Run[], follow: boolean): ValuesById {
  useEffect(() => runValues.want(runs, follow), [runs, follow]);
  useEffect(() => () => runValues.want([], false), []);
  return runValues.values.value;
}
