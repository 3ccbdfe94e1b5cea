import assert from "node:assert/strict";
import { test } from "node:test";

import { changedRuns, stateWord, type Stateful } from "./state";

test("a run in the queue is queued, whatever its state", () => {
  assert.equal(stateWord({ state: "INITIALIZED", queue_position: 2 }), "Queued");
  assert.equal(stateWord({ state: "INITIALIZED" }), "Initialized");
});

test("a state of a newer server is shown as it is", () => {
  const run = JSON.parse('{"state":"PAUSED"}') as Stateful;
  assert.equal(stateWord(run), "PAUSED");
});

test("only runs that changed their word are news", () => {
  const before = new Map([
    [1, "Queued"],
    [2, "Started"],
    [3, "Finished"],
  ]);
  const runs: (Stateful & { id: number })[] = [
    { id: 1, state: "INITIALIZED" },
    { id: 2, state: "FAILED" },
    { id: 3, state: "FINISHED" },
    { id: 4, state: "STARTED" },
  ];
  assert.deepEqual(
    changedRuns(before, runs).map(({ id }) => id),
    [1, 2],
  );
});
