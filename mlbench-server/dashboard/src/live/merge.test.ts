import assert from "node:assert/strict";
import { test } from "node:test";

import { changeRuns, indexOf } from "./merge";

const run = (id: number, state = "old") => ({ id, state });
const list = [run(1), run(3), run(5)];

test("changed, new and removed runs keep their order", () => {
  const changes = new Map([
    [3, run(3, "new")],
    [7, run(7)],
    [6, run(6)],
    [1, undefined],
    [99, undefined],
  ]);
  assert.deepEqual(changeRuns(list, changes), [run(3, "new"), run(5), run(6), run(7)]);
});

test("a run with an id between others finds its place", () => {
  assert.deepEqual(
    changeRuns(list, new Map([[2, run(2)]])).map(({ id }) => id),
    [1, 2, 3, 5],
  );
});

test("the list before stays as it is", () => {
  changeRuns(list, new Map([[1, undefined]]));
  assert.equal(list.length, 3);
});

test("an id is found or its place", () => {
  assert.deepEqual(
    [0, 1, 2, 5, 6].map((id) => indexOf(list, id)),
    [0, 0, 1, 2, 3],
  );
});
