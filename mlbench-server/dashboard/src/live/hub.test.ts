import assert from "node:assert/strict";
import { test } from "node:test";

import type { Connection } from "./connection";
import { Hub, type Subscriber } from "./hub";
import { FakeBrowser, type FakeTab } from "./testing";

/** A hub with what it said. */
function open(tab: FakeTab) {
  const states: Connection[] = [];
  const hub = new Hub(tab, (connection) => states.push(connection));
  return { tab, hub, states };
}

/** A subscriber that records. */
function recorder() {
  const log: string[] = [];
  const subscriber: Subscriber = {
    take: (event) => log.push(`${event.event} ${event.id}`),
    fetch: (position) => log.push(`fetch ${position}`),
  };
  return { log, subscriber };
}

const points = (run: number, after: number) => ({ after, run_id: run, metrics: {} });

test("what a topic brings is complete after open", async () => {
  const browser = new FakeBrowser();
  const { hub, states } = open(browser.tab());
  const { log, subscriber } = recorder();
  hub.subscribe("run:3", subscriber);
  await browser.advance(50);
  assert.equal(browser.source.path, "api/events/?topics=run%3A3");
  browser.source.open(10);
  browser.source.send("points", 12, points(3, 10));
  browser.source.send("points", 13, points(4, 12));
  assert.deepEqual(log, ["fetch 10", "points 12"]);
  assert.deepEqual(states.at(-1), { state: "live" });
});

test("a broken stream resumes after the last event and fetches nothing", async () => {
  const browser = new FakeBrowser();
  const { hub, states } = open(browser.tab());
  const { log, subscriber } = recorder();
  hub.subscribe("run:3", subscriber);
  await browser.advance(50);
  browser.source.open(10);
  browser.source.send("points", 12, points(3, 10));
  browser.source.fail();
  await browser.advance(1_000);
  assert.equal(browser.source.query.get("cursor"), "12");
  browser.source.open(12);
  browser.source.send("points", 15, points(3, 12));
  assert.deepEqual(log, ["fetch 10", "points 12", "points 15"]);
  assert.ok(!states.some(({ state }) => state === "lost"), "a short break is no loss");
});

test("a server that is away is tried again within two seconds, however long it is away", async () => {
  const browser = new FakeBrowser();
  const { hub, states } = open(browser.tab());
  hub.subscribe("runs", recorder().subscriber);
  await browser.advance(50);
  browser.source.open(1);
  browser.status = 0;
  const began = browser.time;
  let longest = 0;
  for (let attempt = 0; attempt < 40; attempt += 1) {
    browser.source.fail();
    const before = browser.sources.length;
    const failed = browser.time;
    while (browser.sources.length === before) await browser.advance(50);
    longest = Math.max(longest, browser.time - failed);
  }
  assert.ok(longest <= 1_700, `waited ${longest} ms`);
  assert.deepEqual(states.at(-1), { state: "lost", since: began, polling: false });
  browser.source.open(1);
  assert.deepEqual(states.at(-1), { state: "live" });
});

test("a new topic opens the stream again where it was", async () => {
  const browser = new FakeBrowser();
  const { hub } = open(browser.tab());
  const [first, second] = [recorder(), recorder()];
  hub.subscribe("runs", first.subscriber);
  await browser.advance(50);
  browser.source.open(10);
  browser.source.send("runs", 11, { runs: [], deleted: [] });
  hub.subscribe("pods", second.subscriber);
  await browser.advance(50);
  assert.equal(browser.sources.length, 2);
  assert.equal(browser.source.query.get("topics"), "runs,pods");
  assert.equal(browser.source.query.get("cursor"), "11");
  browser.source.open(11);
  assert.deepEqual(first.log, ["fetch 10", "runs 11"]);
  assert.deepEqual(second.log, ["fetch 11"]);
});

test("what was requested before the stream opened is not read as of its position", async () => {
  const browser = new FakeBrowser();
  const { hub } = open(browser.tab());
  const seen: number[] = [];
  globalThis.mlbenchEarly = { responses: new Map([["run", Promise.resolve(undefined)]]), at: 0 };
  hub.subscribe("run:3", {
    take: () => undefined,
    fetch: () => seen.push(globalThis.mlbenchEarly?.responses.size ?? NaN),
  });
  await browser.advance(50);
  browser.source.open(10);
  assert.deepEqual(seen, [0]);
  globalThis.mlbenchEarly = undefined;
});

test("resync makes everybody fetch", async () => {
  const browser = new FakeBrowser();
  const { hub } = open(browser.tab());
  const { log, subscriber } = recorder();
  hub.subscribe("run:3", subscriber);
  await browser.advance(50);
  browser.source.open(10);
  browser.source.send("resync", 99, { reason: "too slow" });
  assert.deepEqual(log, ["fetch 10", "fetch 99"]);
});

test("all tabs share one stream, and each gets its own topics", async () => {
  const browser = new FakeBrowser();
  const tabs = Array.from({ length: 20 }, () => open(browser.tab()));
  const logs = tabs.map(({ hub }, index) => {
    const { log, subscriber } = recorder();
    hub.subscribe(`run:${index}`, subscriber);
    return log;
  });
  await browser.advance(200);
  assert.equal(browser.source.query.get("topics")?.split(",").length, 20);
  browser.source.open(10);
  browser.source.send("points", 12, points(7, 10));
  await browser.advance(0);
  assert.deepEqual(logs[7], ["fetch 10", "points 12"]);
  assert.deepEqual(logs[8], ["fetch 10"]);
  for (const { states } of tabs) assert.deepEqual(states.at(-1), { state: "live" });
});

test("another tab takes over from one that dies, without a gap", async () => {
  const browser = new FakeBrowser();
  const leader = open(browser.tab());
  const follower = open(browser.tab());
  leader.hub.subscribe("runs", recorder().subscriber);
  const { log, subscriber } = recorder();
  follower.hub.subscribe("run:3", subscriber);
  await browser.advance(100);
  browser.source.open(10);
  browser.source.send("points", 12, points(3, 10));
  await browser.advance(0);
  leader.tab.die();
  await browser.advance(100);
  assert.equal(browser.source.query.get("cursor"), "12");
  assert.equal(browser.source.query.get("topics"), "run:3", "the topics of the dead tab are forgotten");
  browser.source.open(12);
  browser.source.send("points", 14, points(3, 12));
  assert.deepEqual(log, ["fetch 10", "points 12", "points 14"]);
});

test("a tab that joins a running stream fetches once it is carried", async () => {
  const browser = new FakeBrowser();
  const leader = open(browser.tab());
  leader.hub.subscribe("runs", recorder().subscriber);
  await browser.advance(100);
  browser.source.open(10);
  browser.source.send("runs", 20, { runs: [], deleted: [] });
  const late = open(browser.tab());
  const { log, subscriber } = recorder();
  late.hub.subscribe("runs", subscriber);
  await browser.advance(100);
  assert.equal(browser.sources.length, 1, "the stream carries the topic already");
  assert.deepEqual(log, ["fetch 20"]);
  assert.deepEqual(late.states.at(-1), { state: "live" });
});

test("a hidden leader leaves the stream to a visible tab", async () => {
  const browser = new FakeBrowser();
  const first = open(browser.tab());
  const second = open(browser.tab());
  const logs = [first, second].map(({ hub }) => {
    const { log, subscriber } = recorder();
    hub.subscribe("runs", subscriber);
    return log;
  });
  await browser.advance(100);
  browser.source.open(10);
  await browser.advance(0);
  first.tab.show(false);
  await browser.advance(100);
  assert.equal(browser.sources.length, 2);
  browser.source.open(10);
  browser.source.send("runs", 11, { runs: [], deleted: [] });
  await browser.advance(0);
  for (const log of logs) assert.deepEqual(log, ["fetch 10", "runs 11"]);
  // With all tabs hidden, the last one keeps it.
  second.tab.show(false);
  await browser.advance(100);
  assert.equal(browser.sources.length, 2);
  first.tab.show(true);
  await browser.advance(100);
  assert.equal(browser.sources.length, 3);
  assert.equal(browser.source.query.get("cursor"), "11");
});

test("a server without events is polled", async () => {
  const browser = new FakeBrowser();
  browser.status = 404;
  const { hub, states } = open(browser.tab());
  const { log, subscriber } = recorder();
  hub.subscribe("runs", subscriber);
  await browser.advance(50);
  browser.source.fail();
  await browser.advance(700);
  browser.source.fail();
  await browser.advance(20_000);
  const last = states.at(-1);
  assert.ok(last?.state === "lost" && last.polling);
  assert.deepEqual(new Set(log), new Set(["fetch Infinity"]));
  assert.ok(log.length >= 3 && log.length <= 5, String(log.length));
});

test("a stream that died without a word is noticed", async () => {
  const browser = new FakeBrowser();
  const { hub } = open(browser.tab());
  hub.subscribe("runs", recorder().subscriber);
  await browser.advance(50);
  browser.source.open(1);
  await browser.advance(16_000);
  assert.deepEqual(browser.probes, ["healthz"]);
  const { source } = browser;
  assert.ok(!source.closed, "a server that responds has nothing to say");
  browser.status = 0;
  await browser.advance(17_000);
  assert.ok(source.closed);
});

test("without shared locks each tab has its own stream", async () => {
  const browser = new FakeBrowser();
  const tab = browser.tab();
  const alone = Object.assign(Object.create(tab) as FakeTab, { tabs: undefined });
  const { hub } = open(alone);
  const { log, subscriber } = recorder();
  hub.subscribe("runs", subscriber);
  await browser.advance(100);
  browser.source.open(5);
  assert.deepEqual(log, ["fetch 5"]);
});
