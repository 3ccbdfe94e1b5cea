import { address } from "../lib/base";

/** What the stream needs of an `EventSource`; its failures are events named `error`. */
export interface Source {
  addEventListener(name: string, listen: (event: MessageEvent<string>) => void): void;
  close(): void;
}

/** What the tabs need of a `BroadcastChannel`. */
export interface Channel {
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent<unknown>) => void) | null;
}

/** What the tabs need of `navigator.locks`. */
export interface Locks {
  request(
    name: string,
    options: LockOptions,
    held: (lock: unknown) => Promise<void> | undefined,
  ): Promise<unknown>;
}

/** The browser as the live part of the page sees it. Tests bring their own. */
export interface Environment {
  open(path: string): Source;
  /** Returns the status of a path and how long its server asks to wait, in milliseconds; 0 without a server. */
  probe(path: string): Promise<{ status: number; wait?: number }>;
  /** Undefined where tabs cannot share a stream. */
  tabs: { channel: Channel; locks: Locks } | undefined;
  /** Calls once after some milliseconds, and returns how to prevent it. */
  after(milliseconds: number, call: () => void): () => void;
  now(): number;
  random(): number;
  visible(): boolean;
  /** Calls when the tab is shown or hidden, or the network returns. */
  onChange(call: () => void): void;
}

/** Returns the environment of a real browser. */
export function browser(): Environment {
  const shared = "locks" in navigator && typeof BroadcastChannel === "function";
  return {
    open: (path) => new EventSource(address(path)),
    probe,
    tabs: shared
      ? { channel: new BroadcastChannel(`mlbench ${address("")}`), locks: navigator.locks }
      : undefined,
    after: (milliseconds, call) => {
      const timer = setTimeout(call, milliseconds);
      return () => clearTimeout(timer);
    },
    now: () => Date.now(),
    random: () => Math.random(),
    visible: () => document.visibilityState === "visible",
    onChange: (call) => {
      document.addEventListener("visibilitychange", call);
      addEventListener("online", call);
      addEventListener("offline", call);
    },
  };
}

async function probe(path: string): Promise<{ status: number; wait?: number }> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 5_000);
  try {
    const response = await fetch(address(path), { signal: stop.signal, cache: "no-store" });
    const wait = Number(response.headers.get("retry-after") ?? NaN) * 1000;
    return Number.isFinite(wait) ? { status: response.status, wait } : { status: response.status };
  } catch {
    return { status: 0 };
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}
