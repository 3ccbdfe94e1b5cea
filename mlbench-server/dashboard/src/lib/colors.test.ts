import assert from "node:assert/strict";
import { test } from "node:test";

import { assignColors } from "./colors";

test("a run has the colour of its place in the order of ids", () => {
  assert.deepEqual(
    [...assignColors([3, 1, 8])],
    [
      [1, 0],
      [3, 2],
      [8, 7],
    ],
  );
});

test("of two runs with one colour the later gets the next free", () => {
  const colors = assignColors([9, 1, 2]);
  assert.deepEqual([colors.get(1), colors.get(2), colors.get(9)], [0, 1, 2]);
});

test("no two of many runs look alike, and only beyond 8 curves are dashed", () => {
  for (const ids of [
    Array.from({ length: 8 }, (_, index) => index * 8 + 1),
    Array.from({ length: 50 }, (_, n) => n + 3),
  ]) {
    const colors = [...assignColors(ids).values()];
    assert.equal(new Set(colors).size, ids.length);
    if (ids.length <= 8) assert.ok(colors.every((color) => color < 8));
    else assert.equal(colors.filter((color) => color < 8).length, 8);
  }
});

test("a remembered colour stays when others come", () => {
  const remembered = new Map([[9, 2]]);
  const colors = assignColors([1, 3, 9], remembered);
  assert.deepEqual([colors.get(9), colors.get(1), colors.get(3)], [2, 0, 3]);
});
