import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { effect } from "@preact/signals";

import type { Bucket, MetricsOptions, Point, SeriesInfo } from "../api/metrics";
import { Hub } from "./hub";
import { BUCKETS, EXACT, PointsStore } from "./points";
import { FakeBrowser, settle } from "./testing";

mock.timers.enable({ apis: ["setTimeout"] });

/** A point with a date in seconds. */
function point(time: number, value = String(time), step: number | null = null): Point {
  return { date: new Date(time * 1000).toISOString(), value, step, epoch: null };
}

/** A server with the points of one run in the order of their arrival. */
class Server {
  readonly points: { name: string; point: Point }[] = [];
  readonly requests: string[] = [];
  lists = 0;
  /** Responses wait for it. */
  gate: Promise<void> = Promise.resolve();
  /** Lists wait for it. */
  listGate: Promise<void> = Promise.resolve();
  fails = false;

  add(name: string, ...points: Point[]): void {
    for (const each of points) this.points.push({ name, point: each });
  }

  get calls() {
    return {
      getPoints: async (_: unknown, { cursor = 0, names = [] }: MetricsOptions = {}) => {
        this.requests.push(`points ${names.join()} ${cursor}`);
        const response = { series: this.select(names, cursor), cursor: this.points.length };
        await this.gate;
        if (this.fails) throw new Error("down");
        return response;
      },
      getBuckets: async (_: unknown, points: number, { names = [] }: MetricsOptions = {}) => {
        this.requests.push(`buckets ${names.join()} ${points}`);
        const cursor = this.points.length;
        const series = new Map([...this.select(names, 0)].map(([name, list]) => [name, [bucket(list)]]));
        await this.gate;
        return { series, cursor };
      },
      getSeries: async () => {
        this.lists += 1;
        const list = this.list();
        await this.listGate;
        return list;
      },
    };
  }

  /** The event with everything after a position. */
  event(after: number, end = this.points.length) {
    const metrics: Record<string, Point[]> = {};
    for (const { name, point: each } of this.points.slice(after, end)) (metrics[name] ??= []).push(each);
    return { after, run_id: 1, metrics };
  }

  private select(names: readonly string[], after: number): Map<string, Point[]> {
    const found = new Map<string, Point[]>();
    for (const { name, point: each } of this.points.slice(after)) {
      if (!names.includes(name)) continue;
      const list = found.get(name);
      if (list === undefined) found.set(name, [each]);
      else list.push(each);
    }
    return found;
  }

  private list(): SeriesInfo[] {
    const names = [...new Set(this.points.map(({ name }) => name))];
    return names.map((name) => {
      const all = this.points.filter((each) => each.name === name).map((each) => each.point);
      const [first, last] = [all[0]?.date ?? "", all.at(-1)?.date ?? ""];
      return { name, count: all.length, first_date: first, last_date: last, min: 0, max: 1, last_value: "" };
    });
  }
}

function bucket(points: readonly Point[]): Bucket {
  const values = points.map(({ value }) => Number(value));
  const [min, max] = [Math.min(...values), Math.max(...values)];
  const [start, end] = [points[0]?.date ?? "", points.at(-1)?.date ?? ""];
  const { step = null, epoch = null } = points.at(-1) ?? {};
  const sum = values.reduce((total, value) => total + value, 0);
  const [first = 0, last = 0] = [values[0], values.at(-1)];
  return { start, end, count: points.length, first, last, min, max, sum, step, epoch };
}

async function setup(server: Server, names = ["loss"]) {
  const browser = new FakeBrowser();
  const hub = new Hub(browser.tab(), () => undefined);
  const store = new PointsStore(() => hub, { run: 1 }, undefined, server.calls);
  const watch = store.watch(names);
  await browser.advance(50);
  browser.source.open(server.points.length);
  await settle();
  const values = (name = "loss") => {
    mock.timers.tick(100);
    return Array.from(watch.series.value.get(name)?.value ?? []);
  };
  return { browser, store, watch, values };
}

test("history is followed by the new points only", async () => {
  const server = new Server();
  server.add("loss", point(1), point(2));
  const { browser, values, watch } = await setup(server);
  assert.deepEqual(values(), [1, 2]);
  server.add("loss", point(3));
  browser.source.send("points", 3, server.event(2));
  assert.deepEqual(values(), [1, 2, 3]);
  assert.equal(watch.series.value.get("loss")?.text, "3");
  assert.deepEqual(server.requests, ["points loss 0"]);
});

test("the list is read at once, and again a while after the stream carries the owner", async () => {
  const server = new Server();
  server.add("loss", point(1), point(2));
  const browser = new FakeBrowser();
  const hub = new Hub(browser.tab(), () => undefined);
  const store = new PointsStore(() => hub, { run: 1 }, undefined, server.calls);
  assert.equal(store.idle, false, "a new store is about to be used");
  const names = () => store.catalog.value?.map(({ name }) => name);
  const release = store.use(2_000);
  await browser.advance(50);
  assert.equal(server.lists, 1);
  assert.deepEqual(names(), ["loss"]);
  server.add("accuracy", point(3), point(4));
  browser.source.open(4);
  await settle();
  assert.equal(server.lists, 1);
  mock.timers.tick(2_000);
  await settle();
  assert.equal(server.lists, 2);
  assert.deepEqual(names(), ["accuracy", "loss"]);
  release();
  assert.equal(store.idle, true);
});

test("a list that is older than the stream is read again when it has come", async () => {
  for (const rest of [0, 2_000]) {
    const server = new Server();
    server.add("loss", point(1), point(2));
    let pass: () => void = () => undefined;
    server.listGate = new Promise((resolve) => (pass = resolve));
    const browser = new FakeBrowser();
    const hub = new Hub(browser.tab(), () => undefined);
    const store = new PointsStore(() => hub, { run: 1 }, undefined, server.calls);
    const names = () => store.catalog.value?.map(({ name }) => name);
    const release = store.use(rest);
    await browser.advance(50);
    server.add("accuracy", point(3), point(4));
    browser.source.open(4);
    await settle();
    mock.timers.tick(rest);
    await settle();
    assert.equal(server.lists, 1, "one request at a time");
    pass();
    await settle();
    assert.equal(server.lists, 2);
    assert.deepEqual(names(), ["accuracy", "loss"]);
    release();
  }
});

test("a component that fails makes no request again", async (context) => {
  const errors: unknown[] = [];
  Object.assign(globalThis, { reportError: (error: unknown) => errors.push(error) });
  context.after(() => Reflect.deleteProperty(globalThis, "reportError"));
  const server = new Server();
  server.add("loss", point(1));
  const browser = new FakeBrowser();
  const hub = new Hub(browser.tab(), () => undefined);
  const store = new PointsStore(() => hub, { run: 1 }, undefined, server.calls);
  const watch = store.watch(["loss"]);
  const failing = effect(() => {
    if (watch.series.value.get("loss")?.ready === true) throw new Error("no chart");
  });
  await browser.advance(50);
  browser.source.open(1);
  await settle();
  mock.timers.tick(5_000);
  await settle();
  assert.deepEqual(errors.map(String), ["Error: no chart"]);
  assert.deepEqual(server.requests, ["points loss 0"]);
  failing();
});

test("a batch that overlaps the history adds only what is new", async () => {
  const server = new Server();
  server.add("loss", point(1), point(2), point(2));
  const { browser, values } = await setup(server);
  server.add("loss", point(2), point(4));
  browser.source.send("points", 5, server.event(1));
  assert.deepEqual(values(), [1, 2, 2, 2, 4]);
  browser.source.send("points", 5, server.event(1));
  assert.deepEqual(values(), [1, 2, 2, 2, 4], "a batch up to the cursor is known");
});

test("batches that arrive while the history is read come after it", async () => {
  const server = new Server();
  server.add("loss", point(1), point(2));
  let pass: () => void = () => undefined;
  server.gate = new Promise((resolve) => (pass = resolve));
  const { browser, values } = await setup(server);
  server.add("loss", point(3), point(4));
  browser.source.send("points", 3, server.event(2, 3));
  browser.source.send("points", 4, server.event(3, 4));
  pass();
  await settle();
  assert.deepEqual(values(), [1, 2, 3, 4]);
});

test("a history that is older than the stream is completed first", async () => {
  const server = new Server();
  server.add("loss", point(1));
  const browser = new FakeBrowser();
  const hub = new Hub(browser.tab(), () => undefined);
  let pass: () => void = () => undefined;
  server.gate = new Promise((resolve) => (pass = resolve));
  const store = new PointsStore(() => hub, { run: 1 }, undefined, server.calls);
  const watch = store.watch(["loss"]);
  await settle();
  server.add("loss", point(2), point(3));
  await browser.advance(50);
  browser.source.open(2);
  browser.source.send("points", 3, server.event(2));
  pass();
  await settle();
  mock.timers.tick(100);
  assert.deepEqual(Array.from(watch.series.value.get("loss")?.value ?? []), [1, 2, 3]);
  assert.deepEqual(server.requests, ["points loss 0", "points loss 1"]);
});

test("points that arrive late are drawn where they belong", async () => {
  const server = new Server();
  server.add("loss", point(1), point(5));
  const { browser, values } = await setup(server);
  server.add("loss", point(3), point(6, "NaN"));
  browser.source.send("points", 4, server.event(2));
  assert.deepEqual(values(), [1, 3, 5, NaN]);
});

test("a long history is read as buckets, and a batch into it exactly", async () => {
  const server = new Server();
  server.add("loss", ...Array.from({ length: EXACT + 1 }, (_, index) => point(index)));
  const { browser, values, watch } = await setup(server);
  assert.deepEqual(values(), [EXACT]);
  assert.equal(watch.series.value.get("loss")?.bucketed, true);
  assert.deepEqual(Array.from(watch.series.value.get("loss")?.low ?? []), [0]);
  server.add("loss", point(9_000), point(9_001));
  browser.source.send("points", EXACT + 3, server.event(EXACT - 1));
  await settle();
  assert.deepEqual(values(), [EXACT, 9_000, 9_001]);
  assert.deepEqual(server.requests, [`buckets loss ${BUCKETS}`, `points loss ${EXACT + 1}`]);
});

test("a series that grows without end is read as buckets again", async () => {
  const server = new Server();
  server.add("loss", point(0));
  const { browser, values } = await setup(server);
  server.add("loss", ...Array.from({ length: 5 * EXACT }, (_, index) => point(index + 1)));
  browser.source.send("points", server.points.length, server.event(1));
  await settle();
  assert.deepEqual(values(), [5 * EXACT]);
});

test("resync reads what was missed after the own position", async () => {
  const server = new Server();
  server.add("loss", point(1));
  const { browser, values } = await setup(server);
  server.add("loss", point(2), point(3));
  browser.source.send("resync", 3, { reason: "lag" });
  await settle();
  assert.deepEqual(values(), [1, 2, 3]);
  assert.deepEqual(server.requests, ["points loss 0", "points loss 1"]);
});

test("series that are shown together are read together", async () => {
  const server = new Server();
  const names = Array.from({ length: 100 }, (_, index) => `m${index} @ 0`);
  for (const name of names) server.add(name, point(1));
  const { values } = await setup(server, names);
  assert.deepEqual(values("m99 @ 0"), [1]);
  assert.equal(server.requests.length, 3);
});

test("the points of the first chart do not wait for those of the others", async () => {
  const server = new Server();
  for (const name of ["loss @ 0", "loss @ 1", "accuracy", "time"])
    server.add(name, ...Array.from({ length: EXACT + 1 }, (_, index) => point(index)));
  const hub = new Hub(new FakeBrowser().tab(), () => undefined);
  let pass: () => void = () => undefined;
  server.gate = new Promise((resolve) => (pass = resolve));
  const store = new PointsStore(() => hub, { run: 1 }, undefined, server.calls);
  for (const names of [["loss @ 0", "loss @ 1"], ["accuracy"], ["time"]]) store.watch(names);
  await settle();
  assert.deepEqual(server.requests, [`buckets loss @ 0,loss @ 1 ${BUCKETS}`]);
  pass();
  await settle();
  assert.deepEqual(server.requests.slice(1), [`buckets accuracy,time ${BUCKETS}`]);
});

test("what several requests bring is shown when the last has come", async () => {
  const [one, other] = [new Server(), new Server()];
  for (const server of [one, other]) server.add("loss", point(1));
  const hub = new Hub(new FakeBrowser().tab(), () => undefined);
  let pass: () => void = () => undefined;
  other.gate = new Promise((resolve) => (pass = resolve));
  const stores = [one, other].map(
    (server, index) => new PointsStore(() => hub, { run: index + 1 }, undefined, server.calls),
  );
  const watches = stores.map((store) => store.watch(["loss"]));
  await settle();
  const ready = () => watches.map(({ series }) => series.value.get("loss")?.ready);
  assert.deepEqual(ready(), [false, false]);
  pass();
  await settle();
  assert.deepEqual(ready(), [true, true]);
});

test("a new metric appears in the catalog", async () => {
  const server = new Server();
  server.add("loss", point(1));
  const { browser, store } = await setup(server);
  server.add("accuracy", point(2));
  browser.source.send("points", 2, server.event(1));
  assert.deepEqual(
    store.catalog.value?.map(({ name }) => name),
    ["accuracy", "loss"],
  );
});

test("a failed request is repeated, and nothing is lost meanwhile", async () => {
  const server = new Server();
  server.add("loss", point(1));
  server.fails = true;
  const { browser, values } = await setup(server);
  server.add("loss", point(2));
  browser.source.send("points", 2, server.event(1));
  assert.deepEqual(values(), []);
  server.fails = false;
  mock.timers.tick(2_000);
  await settle();
  assert.deepEqual(values(), [1, 2]);
});
