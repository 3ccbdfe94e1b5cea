import { signal, type ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { listPods } from "../api/pods";
import type { Pod } from "../api/wire";
import { hub, type Hub } from "./hub";
import { asError } from "./runs";
import type { Received } from "./stream";
import { TopicStore } from "./topic";

/** The worker pods in the cluster now. */
export interface PodsState {
  pods: readonly Pod[];
  ready: boolean;
  error: Error | undefined;
}

/** Keeps the list of pods fresh. */
export class PodsStore extends TopicStore {
  private readonly published = signal<PodsState>({ pods: [], ready: false, error: undefined });

  constructor(
    source: () => Hub,
    private readonly list: typeof listPods = listPods,
  ) {
    super(source, "pods");
  }

  /** The pods. */
  get state(): ReadonlySignal<PodsState> {
    return this.published;
  }

  protected override async fetch(stop: AbortSignal): Promise<void> {
    this.published.value = { pods: await this.list(stop), ready: true, error: undefined };
  }

  protected override failed(error: unknown): void {
    this.published.value = { ...this.published.peek(), error: asError(error) };
  }

  protected override apply(event: Received): void {
    if (event.event === "pods") this.published.value = { pods: event.pods, ready: true, error: undefined };
  }
}

const shared = new PodsStore(hub);

/** Follows the pods while a component is shown. */
export function usePods(): PodsState {
  useEffect(() => shared.use(), []);
  return shared.state.value;
}

/** Reads the pods again, after an error. */
export function refreshPods(): void {
  void shared.refresh();
}
