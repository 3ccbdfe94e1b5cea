import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { testRun } from "../../api/fixtures";
import type { Run, RunValuesPage } from "../../api/wire";
import { groupedItems } from "./group";
import { median } from "./measure";
import { sortRuns } from "./sort";
import { ValuesStore } from "./values";

mock.timers.enable({ apis: ["setTimeout"] });

const running: Partial<Run> = { state: "STARTED", finished_at: null };
const loss = (run_id: number, value: number | null) => ({ run_id, loss: { name: "loss", value } });

/** A store whose requests are noted, with their responses. */
function setup(pages: (RunValuesPage | Error)[]) {
  const requests: number[] = [];
  const store = new ValuesStore((after) => {
    requests.push(after);
    const page = pages.shift() ?? { runs: [], next: null };
    return page instanceof Error ? Promise.reject(page) : Promise.resolve(page);
  });
  return { store, requests };
}

/** Lets time pass, and what it started come to rest. */
async function pass(milliseconds: number) {
  mock.timers.tick(milliseconds);
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

test("all pages are read once, and then only what is new", async () => {
  const { store, requests } = setup([
    { runs: [loss(1, 0.5)], next: 2 },
    { runs: [loss(3, 0.25)], next: null },
    { runs: [loss(4, 1)], next: null },
  ]);
  const runs = [1, 2, 3].map((id) => testRun({ id }));
  store.want(runs, false);
  await pass(0);
  assert.deepEqual(requests, [0, 2]);
  assert.deepEqual([...store.values.value.keys()], [1, 3]);
  assert.equal(store.isFinal(2), true, "it has no values, and gets none");

  for (let change = 0; change < 5; change++) {
    store.want([...runs, testRun({ id: 4 })], false);
    await pass(100);
  }
  assert.deepEqual(requests, [0, 2, 3], "however often the list changes");
  store.want([...runs.slice(1), testRun({ id: 4 })], false);
  await pass(10_000);
  assert.deepEqual(requests, [0, 2, 3], "nothing new is no request");
});

test("runs that go on are read again while the list is sorted by them", async () => {
  const { store, requests } = setup([{ runs: [loss(7, 3)], next: null }, new Error("away")]);
  const runs = [testRun({ id: 7, ...running })];
  store.want(runs, true);
  await pass(0);
  assert.deepEqual(requests, [6]);
  await pass(5_000);
  await pass(2_000);
  assert.deepEqual(requests, [6, 6, 6], "also after an error");
  assert.equal(store.isFinal(7), false);
  store.want([], false);
  await pass(60_000);
  assert.equal(requests.length, 3);
});

test("runs without a value come last in both directions", () => {
  const runs = [1, 2, 3, 4].map((id) => testRun({ id }));
  const values = new Map([loss(1, 0.5), loss(2, null), loss(4, -1)].map((run) => [run.run_id, run]));
  const sorted = (descending: boolean) =>
    sortRuns(runs, { key: "loss", descending }, 0, values).map(({ id }) => id);
  assert.deepEqual(sorted(false), [4, 1, 3, 2]);
  assert.deepEqual(sorted(true), [1, 4, 3, 2]);
});

test("groups of repeats are sorted by the median of their values", () => {
  assert.deepEqual(median([3, NaN, 1]), { median: 2, count: 2 });
  assert.deepEqual(median([NaN]), { median: NaN, count: 0 });
  const runs = [1, 2, 3].map((id) => testRun({ id, num_workers: 1 })).concat(testRun({ id: 4 }));
  const values = new Map([loss(1, 0), loss(2, 9), loss(3, 8), loss(4, 5)].map((run) => [run.run_id, run]));
  const order = { sort: { key: "loss", descending: false }, values };
  const first = (descending: boolean) => {
    const sort = { ...order.sort, descending };
    const [item] = groupedItems(sortRuns(runs, sort, 0, values), new Set(), { sort, values });
    return item !== undefined && "group" in item ? "group" : "single";
  };
  assert.deepEqual([first(false), first(true)], ["single", "group"]);
});
