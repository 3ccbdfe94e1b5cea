import { signal, type ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { listRuns } from "../api/runs";
import type { Run } from "../api/wire";
import { hub, type Hub } from "./hub";
import { changeRuns } from "./merge";
import { publish } from "./publisher";
import type { Received } from "./stream";
import { TopicStore } from "./topic";

/** All runs by ascending id, as of now. */
export interface RunsState {
  runs: readonly Run[];
  /** Whether the runs have been read once. */
  ready: boolean;
  /** Why the last attempt to read them failed. */
  error: Error | undefined;
}

/** Keeps the list of runs fresh. */
export class RunsStore extends TopicStore {
  private readonly published = signal<RunsState>({ runs: [], ready: false, error: undefined });
  private readonly changed = new Map<number, Run | undefined>();

  constructor(
    source: () => Hub,
    private readonly list: typeof listRuns = listRuns,
  ) {
    super(source, "runs");
  }

  /** The runs. */
  get state(): ReadonlySignal<RunsState> {
    return this.published;
  }

  protected override async fetch(stop: AbortSignal): Promise<void> {
    const runs = await this.list(stop);
    this.changed.clear();
    this.published.value = { runs, ready: true, error: undefined };
  }

  protected override failed(error: unknown): void {
    this.published.value = { ...this.published.peek(), error: asError(error) };
  }

  protected override apply(event: Received): void {
    if (event.event !== "runs") return;
    for (const run of event.runs) this.changed.set(run.id, run);
    for (const id of event.deleted) this.changed.set(id, undefined);
    publish(this.publishChanges);
  }

  private readonly publishChanges = () => {
    if (this.changed.size === 0) return;
    const before = this.published.peek();
    const runs = changeRuns(before.runs, this.changed);
    this.changed.clear();
    this.published.value = { ...before, runs };
  };
}

const shared = new RunsStore(hub);

/** Follows all runs while a component is shown. */
export function useRuns(): RunsState {
  useEffect(() => shared.use(), []);
  return shared.state.value;
}

/** Reads the runs again, after an error. */
export function refreshRuns(): void {
  void shared.refresh();
}

/** Returns what was thrown as an error. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
