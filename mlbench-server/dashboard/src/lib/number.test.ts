import assert from "node:assert/strict";
import { test } from "node:test";

import { typedNumber } from "./number";

test("typed numbers are read as people mean them", () => {
  for (const [text, number] of [
    ["10,000", 10_000],
    [" 1,234,567.5 ", 1_234_567.5],
    ["-2,000", -2_000],
    ["0,125", 0.125],
    ["1,5", 1.5],
    ["1,2345", 1.2345],
    ["10000", 10_000],
    ["1e3", 1_000],
    ["", NaN],
    ["  ", NaN],
    ["10,00,000", NaN],
    ["1,234,5", NaN],
    ["1.234,5", NaN],
    ["4Gi", NaN],
  ] as const) {
    assert.equal(typedNumber(text), number, JSON.stringify(text));
  }
});
