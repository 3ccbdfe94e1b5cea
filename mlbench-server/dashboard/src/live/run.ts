import { signal, type ReadonlySignal } from "@preact/signals";
import { useLayoutEffect, useMemo } from "preact/hooks";

import { Problem } from "../api/problem";
import { getRun } from "../api/runs";
import type { Run } from "../api/wire";
import { hub, type Hub } from "./hub";
import { asError } from "./runs";
import type { Received } from "./stream";
import { TopicStore } from "./topic";

/** One run as of now. */
export interface RunView {
  run: Run | undefined;
  /** Whether it does not exist, or no more. */
  missing: boolean;
  error: Error | undefined;
}

/** Keeps one run fresh. */
export class RunStore extends TopicStore {
  private readonly published = signal<RunView>({ run: undefined, missing: false, error: undefined });

  constructor(
    source: () => Hub,
    private readonly id: number,
    private readonly get = getRun,
  ) {
    super(source, `run:${id}`, 0);
  }

  /** The run. */
  get state(): ReadonlySignal<RunView> {
    return this.published;
  }

  /** Shows a run that a response brought. */
  put(run: Run): void {
    this.published.value = { run, missing: false, error: undefined };
  }

  protected override async fetch(stop: AbortSignal): Promise<void> {
    this.put(await this.get(this.id, 0, stop));
  }

  protected override failed(error: unknown): void {
    const { run } = this.published.peek();
    const missing = error instanceof Problem && error.status === 404;
    this.published.value = { run, missing, error: missing ? undefined : asError(error) };
  }

  protected override apply(event: Received): void {
    if (event.event !== "runs") return;
    const run = event.runs.find(({ id }) => id === this.id);
    if (run !== undefined) this.put(run);
    if (event.deleted.includes(this.id)) {
      this.published.value = { run: this.published.peek().run, missing: true, error: undefined };
    }
  }
}

/** Follows a run while a component is shown. */
export function useRun(id: number): RunStore {
  const store = useMemo(() => new RunStore(hub, id), [id]);
  useLayoutEffect(() => store.use(), [store]);
  return store;
}
