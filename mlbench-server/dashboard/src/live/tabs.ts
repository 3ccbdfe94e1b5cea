import { newKey } from "../lib/key";
import type { Connection } from "./connection";
import type { Environment } from "./environment";
import { EventStream, type Received } from "./stream";

/** The name of the lock whose holder has the stream. */
const LEADER = "mlbench stream";
/** The most topics that the server accepts. */
const MOST_TOPICS = 256;
/** From how many topics on the stream carries all pods instead of single ones. */
const MANY_TOPICS = 200;

type Message =
  | { kind: "topics"; tab: string; topics: readonly string[]; visible: boolean }
  | { kind: "who" }
  | { kind: "event"; event: Received }
  | { kind: "connection"; connection: Connection };

/**
 * The one stream of all tabs: the tab with the lock has it and passes everything on.
 *
 * Every tab knows the topics of all others, so that any of them can take over without a gap.
 */
export class Tabs {
  private readonly me = newKey();
  private readonly others = new Map<string, { topics: readonly string[]; visible: boolean }>();
  private readonly stream: EventStream;
  private topics: readonly string[] = [];
  private position: number | undefined;
  private connection: Connection = { state: "connecting" };
  /** Gives up the lock; undefined while another tab has it. */
  private resign: (() => void) | undefined;
  private waiting: AbortController | undefined;

  constructor(
    private readonly environment: Environment,
    private readonly receive: (event: Received) => void,
    private readonly report: (connection: Connection) => void,
  ) {
    this.stream = new EventStream(
      environment,
      (event) => {
        this.post({ kind: "event", event });
        this.take(event);
      },
      (next) => {
        this.connection = next;
        this.post({ kind: "connection", connection: next });
        report(next);
      },
    );
  }

  /** Begins to take part. */
  start(): void {
    const { tabs } = this.environment;
    if (tabs === undefined) {
      this.resign = () => undefined;
      this.stream.start(undefined);
    } else {
      tabs.channel.onmessage = ({ data }) => this.hear(data as Message);
      // Held as long as the tab lives: the others notice its end by getting it.
      hold(tabs.locks.request(tabLock(this.me), {}, () => new Promise<void>(() => undefined)));
      this.post({ kind: "who" });
      this.queue();
    }
    this.environment.onChange(() => this.changed());
  }

  /** Sets what this tab wants. */
  setTopics(topics: readonly string[]): void {
    this.topics = topics;
    this.introduce();
    if (this.resign !== undefined) this.stream.setTopics(this.union());
  }

  /** Only visible tabs wait for the lock, except that a hidden one takes it if it is free. */
  private queue(): void {
    const { tabs } = this.environment;
    if (tabs === undefined || this.resign !== undefined || this.waiting !== undefined) return;
    const visible = this.environment.visible();
    const stop = new AbortController();
    if (visible) this.waiting = stop;
    const options = visible ? { signal: stop.signal } : { ifAvailable: true };
    hold(
      tabs.locks.request(LEADER, options, (lock) => {
        if (visible) this.waiting = undefined;
        return lock === null ? undefined : this.lead();
      }),
    );
  }

  private lead(): Promise<void> {
    this.post({ kind: "who" });
    return new Promise((resolve) => {
      this.resign = () => {
        this.resign = undefined;
        this.stream.stop();
        resolve();
      };
      this.stream.setTopics(this.union());
      this.stream.start(this.position);
    });
  }

  private changed(): void {
    const visible = this.environment.visible();
    if (visible) this.queue();
    else {
      this.waiting?.abort();
      this.waiting = undefined;
    }
    this.introduce();
    if (visible) this.stream.retry();
    this.yieldToVisible();
  }

  /** A hidden tab is slowed down by its browser, so it leaves the stream to a visible one. */
  private yieldToVisible(): void {
    if (this.environment.tabs === undefined || this.environment.visible()) return;
    if ([...this.others.values()].some(({ visible }) => visible)) this.resign?.();
  }

  private hear(message: Message): void {
    switch (message.kind) {
      case "who":
        this.introduce();
        if (this.resign !== undefined) this.post({ kind: "connection", connection: this.connection });
        break;
      case "topics":
        this.meet(message.tab, message);
        break;
      case "event":
        // What a former leader sent last may arrive after this tab has taken over, which brings it again.
        if (this.resign === undefined) this.take(message.event);
        break;
      case "connection":
        if (this.resign === undefined) {
          this.connection = message.connection;
          this.report(message.connection);
        }
        break;
    }
  }

  private meet(tab: string, { topics, visible }: { topics: readonly string[]; visible: boolean }): void {
    if (!this.others.has(tab)) {
      const gone = () => {
        this.others.delete(tab);
        if (this.resign !== undefined) this.stream.setTopics(this.union());
        return undefined;
      };
      hold(this.environment.tabs?.locks.request(tabLock(tab), {}, gone));
    }
    this.others.set(tab, { topics, visible });
    if (this.resign !== undefined) this.stream.setTopics(this.union());
    this.yieldToVisible();
  }

  private take(event: Received): void {
    this.position = event.id;
    this.receive(event);
  }

  private introduce(): void {
    this.post({ kind: "topics", tab: this.me, topics: this.topics, visible: this.environment.visible() });
  }

  private post(message: Message): void {
    this.environment.tabs?.channel.postMessage(message);
  }

  private union(): string[] {
    const all = new Set(this.topics);
    for (const { topics } of this.others.values()) for (const topic of topics) all.add(topic);
    if (all.size > MANY_TOPICS) {
      for (const topic of all) if (topic.startsWith("pod:")) all.delete(topic);
      all.add("usage");
    }
    return [...all].slice(-MOST_TOPICS);
  }
}

function tabLock(tab: string): string {
  return `mlbench tab ${tab}`;
}

/** A request for a lock fails when it is withdrawn, which is no error. */
function hold(request: Promise<unknown> | undefined): void {
  request?.catch(() => undefined);
}
