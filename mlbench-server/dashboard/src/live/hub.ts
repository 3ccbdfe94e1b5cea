import { forgetEarly } from "../api/early";
import { setConnection, type Connection } from "./connection";
import { browser, type Environment } from "./environment";
import { carries, type Received } from "./stream";
import { Tabs } from "./tabs";

/** How often what no stream carries is fetched, in milliseconds. */
const POLL = 5_000;

/** Somebody who follows a topic. */
export interface Subscriber {
  /** An event of the topic. */
  take(event: Received): void;
  /**
   * Changes up to a position may be missing: fetch what came after your own. Called first when the stream carries
   * the topic: a request that begins then, not one that is on its way, and the events after it are complete.
   */
  fetch(position: number): void;
}

/** What this tab follows, and up to where it is complete. */
export class Hub {
  private readonly subscribers = new Map<string, Set<Subscriber>>();
  /** Up to which position a topic has been carried without a gap. */
  private readonly carried = new Map<string, number>();
  private carrying: readonly string[] = [];
  private position = 0;
  private live = false;
  private connecting = true;
  private changed = false;
  private readonly tabs: Tabs;

  constructor(
    private readonly environment: Environment,
    private readonly report: (connection: Connection) => void,
  ) {
    this.tabs = new Tabs(
      environment,
      (event) => this.take(event),
      (connection) => {
        this.live = connection.state === "live";
        this.connecting = connection.state === "connecting";
        this.report(connection);
      },
    );
    this.tabs.start();
    this.poll();
  }

  /** Follows a topic until the returned function is called. */
  subscribe(topic: string, subscriber: Subscriber): () => void {
    const present = this.subscribers.get(topic);
    if (present !== undefined) {
      present.add(subscriber);
      if (this.live && this.carried.has(topic)) this.fetch(subscriber, this.position);
    } else {
      this.subscribers.set(topic, new Set([subscriber]));
      this.announce();
    }
    return () => {
      const set = this.subscribers.get(topic);
      set?.delete(subscriber);
      if (set?.size !== 0) return;
      this.subscribers.delete(topic);
      this.carried.delete(topic);
      this.announce();
    };
  }

  /** Several changes at once, as when a page is left for another, are one. */
  private announce(): void {
    if (this.changed) return;
    this.changed = true;
    queueMicrotask(() => {
      this.changed = false;
      this.tabs.setTopics([...this.subscribers.keys()]);
    });
  }

  private take(event: Received): void {
    this.position = event.id;
    if (event.event === "open") {
      this.resume(event.topics, event.from ?? event.id);
      return;
    }
    if (event.event === "resync") {
      for (const topic of this.subscribers.keys()) this.refetch(topic, event.id);
    } else {
      for (const topic of topicsOf(event)) {
        for (const subscriber of this.subscribers.get(topic) ?? []) subscriber.take(event);
      }
    }
    for (const topic of this.carried.keys()) {
      if (carries(this.carrying, topic)) this.carried.set(topic, event.id);
    }
  }

  private resume(topics: readonly string[], from: number): void {
    this.carrying = topics;
    for (const topic of this.subscribers.keys()) {
      if (!carries(topics, topic)) continue;
      const before = this.carried.get(topic);
      if (before === undefined || before < from) this.refetch(topic, from);
      else this.carried.set(topic, Math.max(before, from));
    }
  }

  private refetch(topic: string, position: number): void {
    this.carried.set(topic, position);
    for (const subscriber of this.subscribers.get(topic) ?? []) this.fetch(subscriber, position);
  }

  /** Lets a subscriber read what is at least as new as the stream: no response from before it. */
  private fetch(subscriber: Subscriber, position: number): void {
    forgetEarly();
    subscriber.fetch(position);
  }

  /** An older server has no events, and a stream has only so many topics. */
  private poll(): void {
    this.environment.after(POLL, () => {
      this.poll();
      if (this.connecting || !this.environment.visible()) return;
      for (const [topic, subscribers] of this.subscribers) {
        if (this.live && carries(this.carrying, topic)) continue;
        for (const subscriber of subscribers) subscriber.fetch(Infinity);
      }
    });
  }
}

function topicsOf(event: Received): string[] {
  switch (event.event) {
    case "runs":
      return ["runs", ...event.runs.map(({ id }) => `run:${id}`), ...event.deleted.map((id) => `run:${id}`)];
    case "pods":
      return ["pods"];
    case "logs":
      return [`run:${event.run_id}`];
    case "points":
      if (event.run_id !== undefined) return [`run:${event.run_id}`];
      return event.pod_name === undefined ? [] : [`pod:${event.pod_name}`, "usage"];
    default:
      return [];
  }
}

let shared: Hub | undefined;

/** The hub of this tab. */
export function hub(): Hub {
  shared ??= new Hub(browser(), setConnection);
  return shared;
}
