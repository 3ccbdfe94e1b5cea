import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Problem } from "../api/problem";
import type { Run } from "../api/wire";
import { Hub } from "./hub";
import { RunStore } from "./run";
import { RunsStore } from "./runs";
import { FakeBrowser, settle } from "./testing";

function run(id: number, state: Run["state"] = "STARTED"): Run {
  return { id, name: `run ${id}`, state } as Run;
}

/** A promise that the test keeps open. */
function gate<T>() {
  let pass: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => (pass = resolve));
  return { promise, pass };
}

function setup() {
  const browser = new FakeBrowser();
  const hub = new Hub(browser.tab(), () => undefined);
  return { browser, hub };
}

mock.timers.enable({ apis: ["setTimeout"] });

/** Lets the time of the next update of the page come. */
const publish = () => mock.timers.tick(100);

test("changes that arrive while the list is read are applied to it", async () => {
  const { browser, hub } = setup();
  const response = gate<Run[]>();
  const store = new RunsStore(
    () => hub,
    () => response.promise,
  );
  const release = store.use();
  await browser.advance(50);
  browser.source.open(10);
  browser.source.send("runs", 11, { runs: [run(2, "FINISHED"), run(3)], deleted: [1] });
  response.pass([run(1), run(2)]);
  await settle();
  publish();
  const { runs, ready } = store.state.value;
  assert.ok(ready);
  assert.deepEqual(
    runs.map(({ id, state }) => [id, state]),
    [
      [2, "FINISHED"],
      [3, "STARTED"],
    ],
  );
  release();
});

test("an error keeps what is shown, and the next fetch removes it", async () => {
  const { browser, hub } = setup();
  let fails = false;
  const list = () =>
    fails ? Promise.reject(new Problem(503, "busy", "try later")) : Promise.resolve([run(1)]);
  const store = new RunsStore(() => hub, list);
  const release = store.use();
  await browser.advance(50);
  browser.source.open(10);
  await settle();
  fails = true;
  browser.source.send("resync", 50, { reason: "lag" });
  await settle();
  assert.equal(store.state.value.error?.message, "try later");
  assert.equal(store.state.value.runs.length, 1);
  fails = false;
  await store.refresh();
  assert.equal(store.state.value.error, undefined);
  release();
});

test("a deleted run is missing and keeps its last state", async () => {
  const { browser, hub } = setup();
  const store = new RunStore(
    () => hub,
    7,
    () => Promise.resolve(run(7)),
  );
  const release = store.use();
  await browser.advance(50);
  browser.source.open(10);
  await settle();
  assert.equal(store.state.value.missing, false);
  browser.source.send("runs", 12, { runs: [run(8)], deleted: [7] });
  assert.equal(store.state.value.missing, true);
  assert.equal(store.state.value.run?.id, 7);
  release();
});

test("an idle store follows nothing", async () => {
  const { browser, hub } = setup();
  const store = new RunsStore(
    () => hub,
    () => Promise.resolve([]),
  );
  const [first, second] = [store.use(), store.use()];
  await browser.advance(50);
  const { source } = browser;
  source.open(1);
  first();
  first();
  await settle();
  source.send("runs", 2, { runs: [run(1)], deleted: [] });
  publish();
  assert.equal(store.state.value.runs.length, 1);
  second();
  source.send("runs", 3, { runs: [run(2)], deleted: [] });
  publish();
  assert.equal(store.state.value.runs.length, 1);
});
