// A browser with several tabs, a network and a clock for the tests of the live part.
import type { Channel, Environment, Locks, Source } from "./environment";

type Listener = (event: MessageEvent<string>) => void;

/** An event source whose server is the test. */
export class FakeSource implements Source {
  closed = false;
  private readonly listeners = new Map<string, Listener>();

  constructor(readonly path: string) {}

  addEventListener(name: string, listen: Listener): void {
    this.listeners.set(name, listen);
  }

  close(): void {
    this.closed = true;
  }

  /** The parameters of the address. */
  get query(): URLSearchParams {
    return new URL(this.path, "http://test/").searchParams;
  }

  /** Sends an event, as its server would. */
  send(event: string, id: number, data: object): void {
    const message = { data: JSON.stringify(data), lastEventId: String(id) };
    this.listeners.get(event)?.(message as MessageEvent<string>);
  }

  /** Sends `open` at a position. */
  open(cursor: number): void {
    this.send("open", cursor, { cursor, topics: [] });
  }

  /** Breaks the connection. */
  fail(): void {
    this.listeners.get("error")?.({ data: "" } as MessageEvent<string>);
  }
}

/** The machine that all tabs share. */
export class FakeBrowser {
  time = 0;
  sources: FakeSource[] = [];
  status = 200;
  probes: string[] = [];
  private timers: { at: number; call: () => void }[] = [];
  private readonly channels = new Set<FakeChannel>();
  private readonly locks = new Map<string, { holder?: FakeTab; queue: LockRequest[] }>();

  /** The stream that is open now. */
  get source(): FakeSource {
    const open = this.sources.filter(({ closed }) => !closed);
    if (open.length !== 1) throw new Error(`${open.length} streams are open`);
    return open[0] as FakeSource;
  }

  /** Opens a tab. */
  tab(): FakeTab {
    return new FakeTab(this);
  }

  /** Lets messages and promises arrive, then timers up to a time. */
  async advance(milliseconds = 0): Promise<void> {
    const end = this.time + milliseconds;
    for (;;) {
      await settle();
      this.timers.sort((a, b) => a.at - b.at);
      const next = this.timers[0];
      if (next === undefined || next.at > end) break;
      this.timers.shift();
      this.time = next.at;
      next.call();
    }
    this.time = end;
  }

  after(milliseconds: number, call: () => void): () => void {
    const timer = { at: this.time + milliseconds, call };
    this.timers.push(timer);
    return () => (this.timers = this.timers.filter((other) => other !== timer));
  }

  join(channel: FakeChannel): void {
    this.channels.add(channel);
  }

  leave(channel: FakeChannel): void {
    this.channels.delete(channel);
  }

  broadcast(from: FakeChannel, message: unknown): void {
    const copy: unknown = structuredClone(message);
    for (const channel of this.channels) {
      if (channel !== from)
        queueMicrotask(() => channel.onmessage?.({ data: copy } as MessageEvent<unknown>));
    }
  }

  requestLock(tab: FakeTab, name: string, options: LockOptions, held: LockRequest["held"]): Promise<unknown> {
    const lock = this.locks.get(name) ?? { queue: [] };
    this.locks.set(name, lock);
    return new Promise((resolve, reject) => {
      const request = { tab, held, resolve };
      if (options.ifAvailable === true && lock.holder !== undefined) {
        resolve(held(null));
        return;
      }
      options.signal?.addEventListener("abort", () => {
        lock.queue = lock.queue.filter((other) => other !== request);
        reject(new Error("aborted"));
      });
      lock.queue.push(request);
      this.grant(name);
    });
  }

  /** Ends everything that a tab holds. */
  bury(tab: FakeTab): void {
    for (const [name, lock] of this.locks) {
      lock.queue = lock.queue.filter((request) => request.tab !== tab);
      if (lock.holder === tab) this.unlock(name);
    }
  }

  private unlock(name: string): void {
    const lock = this.locks.get(name);
    if (lock !== undefined) delete lock.holder;
    this.grant(name);
  }

  private grant(name: string): void {
    const lock = this.locks.get(name);
    if (lock === undefined || lock.holder !== undefined) return;
    const next = lock.queue.shift();
    if (next === undefined) return;
    lock.holder = next.tab;
    queueMicrotask(() => {
      void Promise.resolve(next.held({})).then(() => {
        if (lock.holder === next.tab) this.unlock(name);
        next.resolve(undefined);
      });
    });
  }
}

interface LockRequest {
  tab: FakeTab;
  held: (lock: unknown) => Promise<void> | undefined;
  resolve: (value: unknown) => void;
}

/** One tab. */
export class FakeTab implements Environment {
  shown = true;
  private listeners: (() => void)[] = [];
  private readonly channel: FakeChannel;
  readonly tabs: { channel: Channel; locks: Locks };
  private alive = true;

  constructor(private readonly browser: FakeBrowser) {
    this.channel = new FakeChannel(browser);
    this.tabs = {
      channel: this.channel,
      locks: { request: (name, options, held) => browser.requestLock(this, name, options, held) },
    };
  }

  open(path: string): FakeSource {
    const source = new FakeSource(path);
    this.browser.sources.push(source);
    this.opened.push(source);
    return source;
  }
  private readonly opened: FakeSource[] = [];

  probe(path: string): Promise<{ status: number }> {
    this.browser.probes.push(path);
    return Promise.resolve({ status: this.browser.status });
  }

  after(milliseconds: number, call: () => void): () => void {
    return this.browser.after(milliseconds, () => {
      if (this.alive) call();
    });
  }

  now(): number {
    return this.browser.time;
  }

  random(): number {
    return 1;
  }

  visible(): boolean {
    return this.shown;
  }

  onChange(call: () => void): void {
    this.listeners.push(call);
  }

  /** Shows or hides the tab. */
  show(shown: boolean): void {
    this.shown = shown;
    for (const call of this.listeners) call();
  }

  /** Kills the tab without a goodbye. */
  die(): void {
    this.alive = false;
    for (const source of this.opened) source.close();
    this.browser.leave(this.channel);
    this.browser.bury(this);
  }
}

class FakeChannel implements Channel {
  onmessage: ((event: MessageEvent<unknown>) => void) | null = null;

  constructor(private readonly browser: FakeBrowser) {
    browser.join(this);
  }

  postMessage(message: unknown): void {
    this.browser.broadcast(this, message);
  }
}

/** Lets all promises and messages arrive that are under way: more turns than any chain of them has. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
