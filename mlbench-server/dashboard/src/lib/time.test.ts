import assert from "node:assert/strict";
import { test } from "node:test";

import { numberOf } from "./number";
import { seconds, timestamp } from "./time";

test("a date keeps its microseconds", () => {
  assert.equal(seconds("1970-01-01T00:01:02.000001Z"), 62.000001);
  assert.equal(seconds("2026-11-26T21:45:30.074951Z"), 1795729530.074951);
  assert.ok(Number.isNaN(seconds("yesterday")));
});

test("dates of several minutes do not mix", () => {
  const dates = ["2026-11-26T21:45:59.9Z", "2026-11-26T21:46:00.1Z", "2026-11-26T21:45:00Z"];
  assert.deepEqual(
    dates.map((date) => seconds(date) - seconds("2026-11-26T21:45:00Z")).map((time) => Math.round(time * 10)),
    [599, 601, 0],
  );
});

test("a time becomes a date of the API", () => {
  assert.equal(timestamp(62.5), "1970-01-01T00:01:02.500Z");
});

test("values that are not numbers are gaps", () => {
  assert.equal(numberOf("0.5"), 0.5);
  assert.equal(numberOf("-inf"), -Infinity);
  for (const text of ["", "NaN", "80% reached"]) assert.ok(Number.isNaN(numberOf(text)), text);
});
