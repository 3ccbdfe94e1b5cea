import type { Connection } from "./connection";
import type { Environment, Source } from "./environment";
import { NAMES, parseEvent, type LiveEvent } from "./events";

/** How long changes of the topics are gathered before the stream is opened again, in milliseconds. */
const GATHER = 50;
/** The first and the longest wait before another attempt; with the jitter below 2 s. */
const FIRST_WAIT = 250;
const LONGEST_WAIT = 1_200;
const JITTER = 400;
/** The longest wait that a busy server can ask for. */
const LONGEST_ASKED = 30_000;
/** How often a server without events is asked again for them. */
const WITHOUT_EVENTS = 30_000;
/** How long the stream may take to open, and may be silent, before the server must show that it is there. */
const OPENING = 3_000;
const SILENCE = 15_000;
/** Every which failed attempt asks for the reason, which an `EventSource` does not tell. */
const ASK_EVERY = 8;

/** An event with the position from which the stream carries its topics. */
export type Received = LiveEvent & {
  /** Only of `open`: everything of its topics after this position arrives. */
  from?: number;
};

/** One event stream, opened again whenever it breaks, without a gap. */
export class EventStream {
  private topics: readonly string[] = [];
  private opened: readonly string[] = [];
  private source: Source | undefined;
  private position: number | undefined;
  private attempts = 0;
  private lostSince: number | undefined;
  private cancelTimer: () => void = () => undefined;
  private cancelWatch: () => void = () => undefined;
  private running = false;

  constructor(
    private readonly environment: Environment,
    private readonly receive: (event: Received) => void,
    private readonly report: (connection: Connection) => void,
  ) {}

  /** Begins after a position, or now. */
  start(position: number | undefined): void {
    this.running = true;
    this.position = position;
    this.schedule(GATHER);
  }

  /** Ends the stream. */
  stop(): void {
    this.running = false;
    this.attempts = 0;
    this.lostSince = undefined;
    this.close();
  }

  /** Sets what the stream carries. It is opened again only if it does not carry that yet. */
  setTopics(topics: readonly string[]): void {
    this.topics = topics;
    if (!this.running || this.source === undefined) {
      // A stream without topics waits for the first one.
      if (this.running && this.attempts === 0) this.schedule(GATHER);
      return;
    }
    if (topics.some((topic) => !carries(this.opened, topic))) this.schedule(GATHER);
    else if (this.position !== undefined && this.attempts === 0) this.announce(this.position);
  }

  /** Opens the stream at once if it waits, and checks it otherwise: the network may have changed. */
  retry(): void {
    if (!this.running) return;
    if (this.source === undefined) this.schedule(0);
    else void this.check(this.source);
  }

  private announce(position: number): void {
    this.receive({ event: "open", id: position, cursor: position, topics: [...this.opened], from: position });
  }

  private schedule(wait: number): void {
    this.cancelTimer();
    this.cancelTimer = this.environment.after(wait, () => this.open());
  }

  private open(): void {
    this.close();
    if (!this.running || this.topics.length === 0) return;
    this.opened = this.topics;
    const path = this.path();
    const source = this.environment.open(path);
    this.source = source;
    const resumed = this.position;
    for (const name of NAMES) {
      source.addEventListener(name, (message) => {
        if (this.source === source) this.take(name, message, resumed);
      });
    }
    source.addEventListener("error", () => {
      if (this.source === source) this.fail(path);
    });
    this.watch(source, OPENING);
  }

  private path(): string {
    const query = new URLSearchParams({ topics: this.opened.join(",") });
    if (this.position !== undefined) query.set("cursor", String(this.position));
    return `api/events/?${query.toString()}`;
  }

  private take(name: string, message: MessageEvent<string>, resumed: number | undefined): void {
    const event = parseEvent(name, message.lastEventId, message.data);
    if (event === undefined) return;
    if (this.source !== undefined) this.watch(this.source);
    this.position = event.id;
    if (event.event === "open") {
      this.attempts = 0;
      this.lostSince = undefined;
      this.report({ state: "live" });
      this.receive({ ...event, topics: [...this.opened], from: resumed ?? event.id });
    } else {
      this.receive(event);
    }
  }

  private fail(path: string): void {
    this.close();
    this.attempts += 1;
    this.lostSince ??= this.environment.now();
    // A broken stream is usually back at once, so the first failure is no loss yet.
    if (this.attempts === 2) this.report({ state: "lost", since: this.lostSince, polling: false });
    if (this.attempts % ASK_EVERY === 2) void this.ask(path);
    else this.schedule(this.wait());
  }

  private async ask(path: string): Promise<void> {
    const { status, wait = 0 } = await this.environment.probe(path);
    if (!this.running || this.source !== undefined) return;
    if (status === 404) {
      this.report({ state: "lost", since: this.lostSince ?? this.environment.now(), polling: true });
      this.schedule(WITHOUT_EVENTS);
    } else {
      this.schedule(Math.max(this.wait(), Math.min(wait, LONGEST_ASKED)));
    }
  }

  private wait(): number {
    const wait = Math.min(FIRST_WAIT * 2 ** (this.attempts - 1), LONGEST_WAIT);
    return wait + this.environment.random() * JITTER;
  }

  /** A connection can die without a word, so a silent one is checked from time to time. */
  private watch(source: Source, silence = SILENCE): void {
    this.cancelWatch();
    this.cancelWatch = this.environment.after(silence, () => void this.check(source));
  }

  private async check(source: Source): Promise<void> {
    const { status } = await this.environment.probe("healthz");
    if (this.source !== source) return;
    if (status === 0) this.fail(this.path());
    else this.watch(source);
  }

  private close(): void {
    this.cancelTimer();
    this.cancelWatch();
    this.source?.close();
    this.source = undefined;
  }
}

/** Whether a stream with these topics brings everything of another topic. */
export function carries(topics: readonly string[], topic: string): boolean {
  return topics.includes(topic) || (topic.startsWith("pod:") && topics.includes("usage"));
}
