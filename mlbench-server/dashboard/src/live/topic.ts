import { isFinal } from "../api/problem";
import { RETRY } from "../api/retry";
import type { Received } from "./stream";
import type { Hub } from "./hub";

/** How long the first fetch waits for the stream, which makes a second one unnecessary, in milliseconds. */
const HEAD_START = 300;

/**
 * Fetches what a topic is about whenever changes may be missing, one request at a time.
 *
 * Events that arrive during a fetch are handed over after it.
 */
export abstract class TopicStore {
  private release: (() => void) | undefined;
  private users = 0;
  private fetching = false;
  private again = false;
  private held: Received[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stop = new AbortController();

  constructor(
    private readonly hub: () => Hub,
    private readonly topic: string,
    private readonly headStart = HEAD_START,
  ) {}

  /** Begins to follow the topic; the returned function ends it unless others use the store. */
  use(): () => void {
    this.users += 1;
    if (this.users === 1) {
      this.stop = new AbortController();
      this.timer = setTimeout(() => void this.refresh(), this.headStart);
      this.release = this.hub().subscribe(this.topic, {
        take: (event) => this.take(event),
        fetch: () => void this.refresh(),
      });
    }
    let used = true;
    return () => {
      if (!used) return;
      used = false;
      this.users -= 1;
      if (this.users > 0) return;
      clearTimeout(this.timer);
      this.stop.abort();
      this.release?.();
    };
  }

  /** Fetches everything; `signal` ends it when the last user has left. */
  protected abstract fetch(signal: AbortSignal): Promise<void>;
  /** Shows why the fetch failed. */
  protected abstract failed(error: unknown): void;
  /** Applies an event. */
  protected abstract apply(event: Received): void;

  /** Fetches now, or again after the current fetch. */
  async refresh(): Promise<void> {
    clearTimeout(this.timer);
    if (this.fetching) {
      this.again = true;
      return;
    }
    this.fetching = true;
    const { signal } = this.stop;
    try {
      await this.fetch(signal);
    } catch (error) {
      if (!signal.aborted) {
        this.failed(error);
        const final = isFinal(error);
        if (!final) this.timer = setTimeout(() => void this.refresh(), RETRY);
      }
    } finally {
      this.fetching = false;
      const held = this.held;
      this.held = [];
      for (const event of held) this.apply(event);
    }
    if (this.again && this.users > 0) {
      this.again = false;
      await this.refresh();
    }
  }

  private take(event: Received): void {
    if (!this.fetching) this.apply(event);
    else if (this.held.length < MOST_HELD) this.held.push(event);
    else this.again = true;
  }
}

/** How many events a fetch holds up before it is repeated instead. */
const MOST_HELD = 1_000;
