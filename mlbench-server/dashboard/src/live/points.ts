import { signal, type ReadonlySignal } from "@preact/signals";

import { ownerKey, type Bucket, type Metrics, type Owner, type Point, type SeriesInfo } from "../api/metrics";
import { isFinal } from "../api/problem";
import { RETRY } from "../api/retry";
import { timestamp } from "../lib/time";
import type { Hub } from "./hub";
import { expect, publish } from "./publisher";
import { requests } from "./requests";
import { Series, type Batch, type SeriesView } from "./series";
import type { Received } from "./stream";

/** Up to how many points a series is read point by point; longer ones are read as buckets. */
export const EXACT = 5_000;
/** How many buckets a long series is read as. */
export const BUCKETS = 600;
/** How many points a series may have here before it is read as buckets again. */
const MOST = 4 * EXACT;
/** How many metrics one request names, and how long their names may be together. */
const NAMES_AT_ONCE = 40;
const NAMES_LENGTH = 4_000;
/** How many series are kept that no part of the page shows. */
const KEPT = 200;
/** How many batches wait for a history before it is read again instead. */
const MOST_HELD = 500;

/** Series that somebody shows. */
export interface Watch {
  series: ReadonlySignal<ReadonlyMap<string, SeriesView>>;
  stop(): void;
}

interface Entry {
  series: Series;
  users: number;
  /** Batches that arrived while the history is read; undefined if it is not being read. */
  held: Batch[] | undefined;
}

/** The metrics of one run or pod: history when somebody shows a series, then its new points. */
export class PointsStore {
  private readonly known = new Map<string, SeriesInfo>();
  private readonly listed = signal<readonly SeriesInfo[] | undefined>(undefined);
  private readonly entries = new Map<string, Entry>();
  private readonly watches = new Set<(changed: ReadonlySet<string>) => void>();
  private readonly changed = new Set<string>();
  /** Series whose history is to be read, in the order in which they were wanted, with those wanted together. */
  private readonly queue = new Map<string, readonly string[]>();
  /** Series that grew too long here, whatever the list says. */
  private readonly long = new Set<string>();
  /** The stream brings what arrived after this position. */
  private carriedFrom = -1;
  private listing: Promise<void> | undefined;
  /** Whether the list that is being read may lack metrics, and is to be read once more. */
  private again = false;
  private isListed = false;
  private scheduled = false;
  private users = 0;
  private release: (() => void) | undefined;

  constructor(
    private readonly hub: () => Hub,
    private readonly owner: Owner,
    /** Only so many last seconds are of interest. */
    private readonly span?: number,
    private readonly call = requests,
  ) {}

  /** All metrics that the owner has, in the order of their names; undefined until they are known. */
  get catalog(): ReadonlySignal<readonly SeriesInfo[] | undefined> {
    return this.listed;
  }

  /** Whether no part of the page uses the store any more. One that is new is about to be used. */
  get idle(): boolean {
    return this.users === 0 && this.release !== undefined;
  }

  /**
   * Begins to follow the owner; the returned function ends it.
   *
   * The list of its metrics is read at once, and again when the stream carries the owner, so that nothing is missing:
   * the second request begins after the stream's position is known, and after the first has ended. Where many owners are followed, the second list waits until the page is drawn: `rest` is how long, in milliseconds.
   */
  use(rest = 0): () => void {
    this.users += 1;
    if (this.users === 1) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const release = this.hub().subscribe(ownerKey(this.owner), {
        take: (event) => this.take(event),
        fetch: (position) => {
          clearTimeout(timer);
          if (rest > 0) timer = setTimeout(() => this.listAgain(), rest);
          else this.listAgain();
          this.catchUp(position);
        },
      });
      this.release = () => {
        clearTimeout(timer);
        release();
      };
      void this.list();
    }
    return once(() => {
      this.users -= 1;
      if (this.users === 0) this.release?.();
    });
  }

  /** Follows some series. */
  watch(names: readonly string[]): Watch {
    const release = this.use();
    const wanted = new Set(names);
    for (const name of wanted) this.want(name, names);
    const read = () => new Map([...wanted].map((name) => [name, this.entry(name).series.view()]));
    const series = signal<ReadonlyMap<string, SeriesView>>(read());
    const update = (changed: ReadonlySet<string>) => {
      if (names.some((name) => changed.has(name))) series.value = read();
    };
    this.watches.add(update);
    const stop = once(() => {
      this.watches.delete(update);
      for (const name of wanted) this.entry(name).users -= 1;
      this.forget();
      release();
    });
    return { series, stop };
  }

  private entry(name: string): Entry {
    let entry = this.entries.get(name);
    if (entry === undefined) {
      entry = { series: new Series(name), users: 0, held: undefined };
      this.entries.set(name, entry);
    }
    return entry;
  }

  private want(name: string, together: readonly string[]): void {
    const entry = this.entry(name);
    entry.users += 1;
    // The most recently wanted are last, so that the oldest are forgotten first.
    this.entries.delete(name);
    this.entries.set(name, entry);
    if (!entry.series.ready && entry.held === undefined) this.load(name, together);
  }

  private forget(): void {
    const unused = [...this.entries].filter(([, { users, held }]) => users === 0 && held === undefined);
    for (const [name] of unused.slice(0, Math.max(0, unused.length - KEPT))) this.entries.delete(name);
  }

  private take(event: Received): void {
    if (event.event !== "points") return;
    const { after, id, metrics } = event;
    let fresh = false;
    for (const [name, points] of Object.entries(metrics)) {
      fresh = this.learn(name, points) || fresh;
    }
    if (fresh) this.publishCatalog();
    for (const [name, entry] of this.entries) {
      this.hand(name, entry, {
        after,
        id,
        points: Object.hasOwn(metrics, name) ? (metrics[name] ?? []) : [],
      });
    }
  }

  private hand(name: string, entry: Entry, batch: Batch): void {
    if (entry.held !== undefined) {
      entry.held.push(batch);
      return;
    }
    if (!entry.series.ready) return;
    const taken = entry.series.take(batch);
    if (taken === "fetch") this.extend([name], entry.series.cursor);
    if (taken === "added") this.show(name);
    if (this.span !== undefined) entry.series.dropBefore(Date.now() / 1000 - this.span);
    if (entry.series.length > MOST) {
      this.long.add(name);
      this.load(name);
    }
  }

  /** Notes a metric's newest value; returns whether the metric is new, or has become a curve. */
  private learn(name: string, points: readonly Point[]): boolean {
    const last = points.at(-1);
    if (last === undefined) return false;
    const known = this.known.get(name);
    if (known !== undefined) {
      const count = known.count + points.length;
      this.known.set(name, { ...known, count, last_value: last.value, last_date: last.date });
      return known.count === 1;
    }
    this.known.set(name, {
      name,
      count: points.length,
      first_date: points[0]?.date ?? last.date,
      last_date: last.date,
      min: null,
      max: null,
      last_value: last.value,
    });
    return true;
  }

  private publishCatalog(): void {
    // What the stream brings before the list is but a part of it.
    if (!this.isListed && this.listed.peek() === undefined) return;
    this.listed.value = [...this.known.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Reads which metrics there are. */
  private list(): Promise<void> {
    this.listing ??= (async () => {
      const arrived = expect();
      let problem: unknown;
      try {
        for (const info of await this.call.getSeries(this.owner)) this.known.set(info.name, info);
        this.isListed = true;
      } catch (error) {
        problem = error;
      }
      const { again } = this;
      [this.listing, this.again] = [undefined, false];
      if (problem !== undefined) this.later(problem, [], () => void this.list());
      // Begun before the page gets the list, so that requests that come together are shown together.
      else if (again) void this.list();
      arrived(problem === undefined ? this.publishList : undefined);
    })();
    return this.listing;
  }

  /** Reads the list once more, after the one that is being read: that may be older than the stream. */
  private listAgain(): void {
    if (this.listing === undefined) void this.list();
    else this.again = true;
  }

  /** Reads the points that may be missing up to a position. */
  private catchUp(position: number): void {
    if (position < Infinity) this.carriedFrom = Math.max(this.carriedFrom, position);
    const behind = new Map<number, string[]>();
    for (const [name, { series, held }] of this.entries) {
      if (!series.ready || held !== undefined || series.cursor >= position) continue;
      behind.set(series.cursor, [...(behind.get(series.cursor) ?? []), name]);
    }
    for (const [cursor, names] of behind) this.extend(names, cursor);
  }

  private extend(names: readonly string[], cursor: number): void {
    for (const part of chunks(names)) {
      void this.read(
        part,
        () => this.call.getPoints(this.owner, { cursor, names: part }),
        (series, points, next) => series.extend(points, next),
      );
    }
  }

  /** Reads the history of a series, together with others that are wanted at the same time. */
  private load(name: string, together: readonly string[] = []): void {
    const entry = this.entry(name);
    entry.held ??= [];
    this.queue.set(name, together);
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => void this.loadQueue());
  }

  private async loadQueue(): Promise<void> {
    // The number of points decides how to read a series.
    if (!this.isListed) await this.list();
    this.scheduled = false;
    const names = [...this.queue.keys()];
    const together = new Set(this.queue.values().next().value);
    this.queue.clear();
    const since = this.span === undefined ? {} : { since: timestamp(Date.now() / 1000 - this.span) };
    for (const part of chunks(names.filter((name) => !this.isLong(name)))) {
      const request = () => this.call.getPoints(this.owner, { names: part, ...since });
      void this.read(part, request, (series, points, next) => series.setPoints(points, next));
    }
    const long = names.filter((name) => this.isLong(name));
    // The first chart does not wait for the points of the others.
    for (const first of [true, false]) {
      const parts = chunks(long.filter((name) => together.has(name) === first));
      const reads = Array.from(parts, (part) => {
        const request = () => this.call.getBuckets(this.owner, BUCKETS, { names: part, ...since });
        const apply = (series: Series, buckets: readonly Bucket[], next: number) =>
          series.setBuckets(buckets, next);
        return this.read(part, request, apply, first ? "now" : "after");
      });
      await Promise.all(reads);
    }
  }

  private isLong(name: string): boolean {
    const info = this.known.get(name);
    if (info === undefined || this.long.has(name)) return this.long.has(name);
    const { count, first_date, last_date } = info;
    const seconds = (Date.parse(last_date) - Date.parse(first_date)) / 1000;
    const part = this.span === undefined || seconds <= this.span ? 1 : this.span / seconds;
    return count * part > EXACT;
  }

  /** Requests series and gives each what came, then the batches that arrived meanwhile. */
  private async read<T>(
    names: readonly string[],
    request: () => Promise<Metrics<T>>,
    apply: (series: Series, values: readonly T[], cursor: number) => void,
    when?: "after" | "now",
  ): Promise<void> {
    for (const name of names) this.entry(name).held ??= [];
    const arrived = expect(when);
    let problem: unknown;
    try {
      const { series: found, cursor } = await request();
      const behind: string[] = [];
      for (const name of names) {
        const entry = this.entry(name);
        apply(entry.series, found.get(name) ?? [], cursor);
        this.changed.add(name);
        if (entry.series.cursor < this.carriedFrom) {
          behind.push(name);
          continue;
        }
        const held = entry.held ?? [];
        entry.held = undefined;
        if (held.length > MOST_HELD) this.load(name);
        else for (const batch of held) this.hand(name, entry, batch);
      }
      if (behind.length > 0) this.extend(behind, cursor);
    } catch (error) {
      problem = error;
      this.later(error, names, () => void this.read(names, request, apply, when));
    }
    arrived(problem === undefined ? this.publishSeries : undefined);
  }

  /** Repeats a failed request, unless it will fail again or the store is idle. */
  private later(error: unknown, names: readonly string[], call: () => void): void {
    const final = isFinal(error);
    if (final || this.users === 0) {
      // The next user begins anew with these; the requests for others go on.
      for (const name of names) this.entry(name).held = undefined;
      if (this.listed.peek() === undefined && final) this.listed.value = [];
      return;
    }
    setTimeout(call, RETRY);
  }

  private show(name: string): void {
    this.changed.add(name);
    publish(this.publishSeries);
  }

  private readonly publishList = () => this.publishCatalog();

  private readonly publishSeries = () => {
    const changed = new Set(this.changed);
    this.changed.clear();
    for (const update of this.watches) update(changed);
  };
}

/** Splits names so that each part fits into an address. */
function* chunks(names: readonly string[]): Generator<string[]> {
  let part: string[] = [];
  let length = 0;
  for (const name of names) {
    if (part.length >= NAMES_AT_ONCE || (part.length > 0 && length + name.length > NAMES_LENGTH)) {
      yield part;
      [part, length] = [[], 0];
    }
    part.push(name);
    length += name.length;
  }
  if (part.length > 0) yield part;
}

function once(call: () => void): () => void {
  let called = false;
  return () => {
    if (!called) call();
    called = true;
  };
}
