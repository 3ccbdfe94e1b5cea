import assert from "node:assert/strict";
import { test } from "node:test";

import { testRun } from "../../api/fixtures";
import {
  compareLabels,
  distinctValues,
  isNumeric,
  labelKeys,
  labelKeysText,
  labelOf,
  readLabelKeys,
} from "./labels";

const RUNS = [
  testRun({ id: 1, params: { lr: 0.1 }, tags: { "a,b %": "x" } }),
  testRun({ id: 2, params: { lr: 0.1, depth: "20" } }),
  testRun({ id: 3 }),
];

test("the address keeps columns with any name", () => {
  const keys = labelKeys(RUNS);
  assert.deepEqual(keys, ["param:depth", "param:lr", "tag:a,b %"]);
  assert.deepEqual(readLabelKeys(labelKeysText(keys)), keys);
  assert.deepEqual(readLabelKeys("param:,name,tag:%E0%A4%A,param:lr,param:lr"), ["param:lr"]);
});

test("a run has the values of its own names only", () => {
  assert.deepEqual(
    RUNS.map((run) => labelOf(run, "param:lr")),
    [0.1, 0.1, undefined],
  );
  assert.equal(labelOf(RUNS[0] ?? testRun(), "tag:constructor"), undefined);
  assert.deepEqual(distinctValues(RUNS, "param:lr"), ["0.1"]);
  assert.deepEqual(distinctValues(RUNS, "tag:team"), []);
});

test("values are numeric where all of them are numbers, also as texts", () => {
  assert.ok(isNumeric(RUNS, "param:lr"));
  assert.ok(isNumeric(RUNS, "param:depth"));
  assert.ok(!isNumeric([...RUNS, testRun({ id: 4, params: { lr: "warm-up" } })], "param:lr"));
  assert.ok(!isNumeric([testRun({ params: { flag: true } })], "param:flag"));
  assert.ok(!isNumeric(RUNS, "tag:team"), "no run has a value");
});

test("numbers come before texts, and missing values last in both directions", () => {
  const values = ["b", 10, undefined, "9", "A", true, 1e-3];
  const sorted = (descending: boolean) =>
    values
      .map((value) => ({ value }))
      .sort((a, b) => compareLabels(a.value, b.value, descending))
      .map(({ value }) => value);
  assert.deepEqual(sorted(false), [1e-3, "9", 10, "A", "b", true, undefined]);
  assert.deepEqual(sorted(true), [true, "b", "A", 10, "9", 1e-3, undefined]);
});
