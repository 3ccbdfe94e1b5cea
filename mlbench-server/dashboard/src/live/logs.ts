import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";

import { getLogs } from "../api/logs";
import { withRetries } from "../api/retry";
import type { LogLine, LogPage } from "../api/wire";
import { hub, type Hub } from "./hub";
import { LOG_END } from "./last-lines";
import { LogWindow } from "./log-window";
import { publish } from "./publisher";
import { asError } from "./runs";
import type { Received } from "./stream";
import { TopicStore } from "./topic";

/** How many lines a request reads: the most that the server gives. */
const PAGE = 10_000;
/** How many lines the first request reads: most runs have no more. */
const FIRST_PAGE = 1_000;

/** The output of a run as of now. */
export interface LogsState {
  /** Whether the end has been read. */
  ready: boolean;
  /** Whether older lines are being read. */
  reading: boolean;
  window: LogWindow;
  error: Error | undefined;
}

/** Keeps the output of a run: first its end, then older lines up to a bound, then what comes. */
export class LogsStore extends TopicStore {
  private readonly window = new LogWindow();
  private readonly published: Signal<LogsState>;
  private ready = false;
  private reading = false;
  /** Ends with the readers of now. */
  private latest: AbortSignal | undefined;
  private error: Error | undefined;

  constructor(
    source: () => Hub,
    private readonly run: number,
    private readonly get = getLogs,
  ) {
    super(source, `run:${run}`, 0);
    this.published = signal(this.snapshot());
  }

  /** The output. */
  get state(): ReadonlySignal<LogsState> {
    return this.published;
  }

  protected override async fetch(stop: AbortSignal): Promise<void> {
    if (this.ready) await this.catchUp(stop);
    else await this.readEnd(stop);
    this.error = undefined;
    this.publishNow();
    void this.readOlder(stop);
  }

  protected override failed(error: unknown): void {
    this.error = asError(error);
    this.publishNow();
  }

  protected override apply(event: Received): void {
    if (event.event !== "logs" || !this.ready) return;
    this.window.append(event.lines);
    publish(this.publishNow);
  }

  /** Reads what came after the newest line here. */
  private async catchUp(signal: AbortSignal): Promise<void> {
    for (;;) {
      const { lines } = await this.get(this.run, { after: this.window.last, limit: PAGE, signal });
      this.window.append(lines);
      if (lines.length < PAGE) return;
      publish(this.publishNow);
    }
  }

  private async readEnd(signal: AbortSignal): Promise<void> {
    const page = await this.get(this.run, { before: LOG_END, limit: FIRST_PAGE, signal });
    this.window.begin = beginOf(page);
    this.window.append(page.lines);
    this.ready = true;
  }

  /** Reads older lines page by page, newest first, until the window is full or the readers have left. */
  private async readOlder(signal: AbortSignal): Promise<void> {
    this.latest = signal;
    if (this.reading) return;
    this.reading = true;
    while (this.window.older && !this.window.full && !this.latest.aborted) {
      const { latest } = this;
      const options = { before: this.window.begin + 1, limit: PAGE, signal: latest };
      try {
        const page = await withRetries(() => this.get(this.run, options), latest);
        this.window.prepend(page.lines, beginOf(page));
      } catch {
        // Readers who came meanwhile read on; otherwise the newest lines are there.
        if (this.latest === latest) break;
      }
      publish(this.publishNow);
    }
    this.reading = false;
    publish(this.publishNow);
  }

  private readonly publishNow = () => {
    this.published.value = this.snapshot();
  };

  private snapshot(): LogsState {
    return { ready: this.ready, reading: this.reading, window: this.window, error: this.error };
  }
}

/** Returns the number after which a page has all lines: 0 if no older ones are left. */
function beginOf({ previous }: LogPage): number {
  return previous === undefined ? 0 : previous - 1;
}

/** Follows the output of a run while a component is shown. */
export function useLogs(run: number): LogsState {
  const store = useMemo(() => new LogsStore(hub, run), [run]);
  useEffect(() => store.use(), [store]);
  return store.state.value;
}

/** Reads the whole output of a run in parts and hands over each. */
export async function readLogs(
  run: number,
  part: (lines: readonly LogLine[]) => void,
  signal?: AbortSignal,
): Promise<void> {
  for (let after = 0; ;) {
    const { lines, next } = await getLogs(run, {
      after,
      limit: PAGE,
      ...(signal === undefined ? {} : { signal }),
    });
    part(lines);
    if (lines.length < PAGE) return;
    after = next;
  }
}
