import assert from "node:assert/strict";
import { mock, test } from "node:test";

import type { LogsOptions } from "../api/logs";
import type { LogLine, LogPage } from "../api/wire";
import { Hub } from "./hub";
import { LogWindow, MOST_LINES } from "./log-window";
import { LogsStore } from "./logs";
import { FakeBrowser, settle } from "./testing";

mock.timers.enable({ apis: ["setTimeout"] });

function line(seq: number, text = `line ${seq}`): LogLine {
  return { seq, date: "2026-11-26T21:45:30Z", rank: 0, stream: "stdout", text };
}

function lines(from: number, to: number): LogLine[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => line(from + index));
}

/** Returns a page of lines as the server does, from all lines by ascending number. */
function page(all: readonly LogLine[], { after = 0, before, limit = 1_000 }: LogsOptions = {}): LogPage {
  const selected = all.filter(({ seq }) => seq > after && (before === undefined || seq < before));
  const part = before === undefined ? selected.slice(0, limit) : selected.slice(-limit);
  const next = part.at(-1)?.seq ?? after;
  if (before === undefined || part.length === selected.length) return { lines: part, next };
  return { lines: part, next, previous: part[0]?.seq ?? 0 };
}

/** The requests for the output of a run with so many lines. */
function output(server: { count: number; requests: number }) {
  return (_: number, options: LogsOptions = {}) => {
    server.requests += 1;
    return Promise.resolve(page(lines(1, server.count), options));
  };
}

async function setup(server: { count: number; requests: number }) {
  const browser = new FakeBrowser();
  const hub = new Hub(browser.tab(), () => undefined);
  const store = new LogsStore(() => hub, 3, output(server));
  const release = store.use();
  await browser.advance(50);
  browser.source.open(10);
  await settle();
  const seqs = () => {
    mock.timers.tick(100);
    return store.state.value.window.lines.map(({ seq }) => seq);
  };
  return { browser, store, release, seqs };
}

test("a short output needs one request", async () => {
  const server = { count: 3, requests: 0 };
  const { store, seqs } = await setup(server);
  assert.deepEqual(seqs(), [1, 2, 3]);
  assert.equal(store.state.value.window.older, false);
  assert.equal(server.requests, 1);
});

test("a long output is read whole, its end first", async () => {
  const server = { count: 35_000, requests: 0 };
  const { store, seqs } = await setup(server);
  for (let round = 0; round < 10; round += 1) await settle();
  assert.deepEqual([seqs()[0], seqs().at(-1), seqs().length], [1, 35_000, 35_000]);
  assert.equal(store.state.value.reading, false);
});

test("an output beyond all bounds says what is not here", async () => {
  const server = { count: 2 * MOST_LINES + 500, requests: 0 };
  const { store } = await setup(server);
  for (let round = 0; round < 60; round += 1) await settle();
  const { window } = store.state.value;
  assert.equal(window.last, server.count);
  assert.ok(window.lines.length >= MOST_LINES && window.lines.length < MOST_LINES * 1.1);
  assert.equal(window.older, true);
  assert.equal(window.begin, server.count - window.lines.length);
});

test("lines that arrive twice are there once", async () => {
  const server = { count: 2, requests: 0 };
  const { browser, seqs } = await setup(server);
  browser.source.send("logs", 11, { run_id: 3, lines: lines(2, 4) });
  browser.source.send("logs", 12, { run_id: 3, lines: lines(4, 5) });
  assert.deepEqual(seqs(), [1, 2, 3, 4, 5]);
});

test("resync reads the lines that were missed", async () => {
  const server = { count: 2, requests: 0 };
  const { browser, seqs } = await setup(server);
  server.count = 4;
  browser.source.send("resync", 99, { reason: "lag" });
  browser.source.send("logs", 100, { run_id: 3, lines: lines(5, 5) });
  await settle();
  assert.deepEqual(seqs(), [1, 2, 3, 4, 5]);
});

test("a run whose lines are few among many numbers is read whole", async () => {
  const browser = new FakeBrowser();
  const hub = new Hub(browser.tab(), () => undefined);
  const all = Array.from({ length: 5_000 }, (_, index) => line(7_000_000 + index * 997));
  let requests = 0;
  const get = (_: number, options: LogsOptions = {}) => {
    requests += 1;
    return Promise.resolve(page(all, options));
  };
  const store = new LogsStore(() => hub, 3, get);
  store.use();
  await browser.advance(50);
  browser.source.open(10);
  for (let round = 0; round < 10; round += 1) await settle();
  const { window } = store.state.value;
  assert.deepEqual(
    window.lines.map(({ seq }) => seq),
    all.map(({ seq }) => seq),
  );
  assert.equal(window.older, false);
  assert.equal(requests, 2);
});

test("older lines are read again after a failure, and for readers who come while others leave", async () => {
  const browser = new FakeBrowser();
  const hub = new Hub(browser.tab(), () => undefined);
  const all = lines(1, 15_000);
  let failures = 1;
  const waits: AbortSignal[] = [];
  let hold = true;
  const get = (_: number, options: LogsOptions = {}) => {
    if (options.limit !== 10_000 || options.before === undefined) return Promise.resolve(page(all, options));
    const { signal } = options;
    if (hold && signal !== undefined) {
      // Until its reader leaves.
      waits.push(signal);
      return new Promise<LogPage>((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      });
    }
    failures -= 1;
    return failures >= 0 ? Promise.reject(new Error("network")) : Promise.resolve(page(all, options));
  };
  const store = new LogsStore(() => hub, 3, get);
  const leave = store.use();
  await browser.advance(50);
  browser.source.open(10);
  await settle();
  assert.equal(waits.length, 1);
  leave();
  hold = false;
  store.use();
  mock.timers.tick(10);
  await browser.advance(50);
  browser.source.open(10);
  await settle();
  assert.equal(failures, 0, "the next reader reads on");
  mock.timers.tick(2_000);
  await settle();
  mock.timers.tick(100);
  assert.deepEqual([store.state.value.window.lines.length, store.state.value.reading], [15_000, false]);
});

test("the window forgets the oldest lines", () => {
  const window = new LogWindow();
  window.append(lines(1, MOST_LINES));
  window.append(lines(MOST_LINES + 1, MOST_LINES * 1.2));
  assert.equal(window.lines.length, MOST_LINES);
  assert.equal(window.begin, MOST_LINES * 0.2);
  const long = new LogWindow();
  for (let seq = 1; seq <= 4_000; seq += 1) long.append([line(seq, "x".repeat(16_000))]);
  assert.ok(long.lines.length < 2_800, `${long.lines.length} long lines`);
});

test("older lines come before the others, once", () => {
  const window = new LogWindow();
  window.begin = 10;
  window.append(lines(11, 12));
  window.prepend(lines(8, 11), 7);
  assert.deepEqual(
    window.lines.map(({ seq }) => seq),
    [8, 9, 10, 11, 12],
  );
  assert.equal(window.older, true);
  assert.equal(window.begin, 7);
});
