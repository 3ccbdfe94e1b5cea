import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";

import { getLogs } from "../api/logs";
import type { LogLine } from "../api/wire";
import { hub, type Hub } from "./hub";
import { findEnd } from "./log-end";
import { LogWindow } from "./log-window";
import { publish } from "./publisher";
import { asError } from "./runs";
import type { Received } from "./stream";
import { TopicStore } from "./topic";

/** How many lines a request reads: the most that the server gives. */
const PAGE = 10_000;
/** The most numbers that are read at once, where few of them are lines of the run. */
const WIDEST = 1e8;
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
    const { lines } = await this.get(this.run, { limit: FIRST_PAGE, signal });
    if (lines.length < FIRST_PAGE) {
      this.window.append(lines);
    } else {
      const hasAfter = async (after: number) => {
        const page = await this.get(this.run, { after, limit: 1, signal });
        return page.lines.length > 0;
      };
      this.window.floor = (lines[0]?.seq ?? 1) - 1;
      this.window.begin = Math.max(this.window.floor, await findEnd(hasAfter));
      await this.catchUp(signal);
    }
    this.ready = true;
  }

  /** Reads older lines page by page, newest first, until the window is full. */
  private async readOlder(signal: AbortSignal): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    try {
      for (let width = PAGE; this.window.older && !this.window.full && !signal.aborted;) {
        const { begin, floor } = this.window;
        const after = Math.max(floor, begin - width);
        const lines = await this.between(after, begin, signal);
        this.window.prepend(lines, after);
        // Other runs take numbers too, so that a page of numbers may have few lines of this one.
        width = lines.length < PAGE / 2 ? Math.min(width * 4, WIDEST) : PAGE;
        publish(this.publishNow);
      }
    } catch {
      // The next fetch tries again; the newest lines are there.
    } finally {
      this.reading = false;
      publish(this.publishNow);
    }
  }

  private async between(after: number, end: number, signal: AbortSignal): Promise<LogLine[]> {
    const all: LogLine[] = [];
    for (let from = after; from < end;) {
      const { lines, next } = await this.get(this.run, { after: from, limit: PAGE, signal });
      for (const line of lines) if (line.seq <= end) all.push(line);
      if (lines.length < PAGE) break;
      from = next;
    }
    return all;
  }

  private readonly publishNow = () => {
    this.published.value = this.snapshot();
  };

  private snapshot(): LogsState {
    return { ready: this.ready, reading: this.reading, window: this.window, error: this.error };
  }
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
