import assert from "node:assert/strict";
import { test } from "node:test";

import { count, dateTime, duration, exactDateTime, number, plural, relative } from "./format";

test("a duration shows its two largest units", () => {
  const cases: [number, string][] = [
    [0, "0.00 s"],
    [42, "0.04 s"],
    [3_240, "3.2 s"],
    [9_990, "10 s"],
    [59_400, "59 s"],
    [59_600, "1 min"],
    [200_000, "3 min 20 s"],
    [3_599_700, "1 h"],
    [7_500_000, "2 h 5 min"],
    [86_399_999, "1 d"],
    [277_200_000, "3 d 5 h"],
  ];
  for (const [length, text] of cases) assert.equal(duration(length), text);
});

test("a duration is never NaN and never negative", () => {
  assert.equal(duration(NaN), "–");
  assert.equal(duration(Infinity), "–");
  assert.equal(duration(-300), "0.00 s");
});

test("a relative date says how long ago it was", () => {
  const now = Date.parse("2026-11-26T12:00:00Z");
  const cases: [string, string][] = [
    ["2026-11-26T12:00:20Z", "just now"],
    ["2026-11-26T12:05:00Z", "in 5 min"],
    ["2026-11-26T11:59:58Z", "just now"],
    ["2026-11-26T11:59:20Z", "40 s ago"],
    ["2026-11-26T11:57:00Z", "3 min ago"],
    ["2026-11-26T09:59:00Z", "2 h ago"],
    ["2026-11-25T09:00:00Z", "yesterday"],
    ["2026-11-20T09:00:00Z", "6 d ago"],
    ["nothing", "–"],
  ];
  for (const [date, text] of cases) assert.equal(relative(Date.parse(date), now), text);
});

test("a date names UTC where it is counted so", () => {
  const date = Date.parse("2026-11-26T12:03:04.567891Z");
  assert.equal(dateTime(date, "utc"), "2026-11-26 12:03:04 UTC");
  assert.equal(exactDateTime(date, "utc"), "2026-11-26 12:03:04.567 UTC");
  assert.equal(dateTime(NaN, "utc"), "–");
});

test("a local date has the offset of its own day", () => {
  const date = Date.parse("2026-07-01T12:00:00Z");
  const shown = exactDateTime(date, "local");
  assert.match(shown, /^2026-0[67]-[0-9]{2} [0-9:]{8}\.000 [+-][0-9]{2}:[0-9]{2}$/);
  assert.equal(Date.parse(shown.replace(" ", "T").replace(" ", "")), date);
});

test("a number has four significant digits", () => {
  const cases: [number, string][] = [
    [94.69026548672566, "94.69"],
    [0.0012345678, "0.001235"],
    [0.0000001234567, "1.235e−7"],
    [123456, "123456"],
    [12345678, "1.235e7"],
    [-0.5, "−0.5"],
    [0, "0"],
    [NaN, "NaN"],
    [-Infinity, "−∞"],
  ];
  for (const [value, text] of cases) assert.equal(number(value), text);
});

test("a noun agrees with its count", () => {
  assert.equal(plural(1, "run"), "1 run");
  assert.equal(plural(10_000, "run"), "10,000 runs");
  assert.deepEqual([0, 999, 1_000, 12_345, 1_234_567].map(count), [
    "0",
    "999",
    "1,000",
    "12,345",
    "1,234,567",
  ]);
});
