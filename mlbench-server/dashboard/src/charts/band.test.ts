import assert from "node:assert/strict";
import { test } from "node:test";

import { bandKind, medianOf } from "./band";

function curve(x: readonly number[], y: readonly number[]) {
  return { x: Float64Array.from(x), y: Float64Array.from(y) };
}

test("the median lies in a band from the least to the greatest of a few curves", () => {
  const { x, y, low, high } = medianOf([
    curve([0, 1, 2], [1, 2, 3]),
    curve([0, 1, 2], [2, 9, 1]),
    curve([0, 1, 2], [6, 4, 2]),
  ]);
  assert.deepEqual([...x], [0, 1, 2]);
  assert.deepEqual([...y], [2, 4, 2]);
  assert.deepEqual([...low], [1, 2, 1]);
  assert.deepEqual([...high], [6, 9, 3]);
});

test("from five curves on the band is the middle half", () => {
  const { y, low, high } = medianOf([1, 2, 3, 4, 100].map((value) => curve([0], [value])));
  assert.deepEqual([y[0], low[0], high[0]], [3, 2, 4]);
  assert.deepEqual([bandKind(4), bandKind(5)], ["min–max", "IQR"]);
});

test("curves with other points are lines between them, and nothing beyond their ends", () => {
  const { x, y, low, high } = medianOf([curve([0, 2], [0, 2]), curve([1, 3, 4], [3, 3, 5])]);
  assert.deepEqual([...x], [0, 1, 2, 3, 4]);
  assert.deepEqual([...y], [0, 2, 2.5, 3, 5]);
  assert.deepEqual([...low], [0, 1, 2, 3, 5]);
  assert.deepEqual([...high], [0, 3, 3, 3, 5]);
});

test("the median has a gap where most curves have no value", () => {
  const { y, low } = medianOf([
    curve([0, 1, 2], [1, NaN, 1]),
    curve([0, 1, 2], [2, NaN, 2]),
    curve([0, 1], [3, 3]),
    curve([0, 1, 2], [4, NaN, NaN]),
  ]);
  assert.deepEqual([y[0], y[1], y[2]], [2.5, NaN, 1.5]);
  assert.ok(Number.isNaN(low[1] ?? 0));
});

test("a long curve has evenly spaced places, and its extremes stay in the band", () => {
  const length = 5_000;
  const flat = Array.from({ length }, () => 1);
  const steps = flat.map((_, step) => step);
  const spike = flat.with(1_234, 50).with(4_321, -50);
  const { x, low, high } = medianOf([curve(steps, flat), curve(steps, spike)]);
  assert.equal(x.length, 1_000);
  assert.deepEqual([x[0], x.at(-1)], [0, length - 1]);
  assert.deepEqual([Math.max(...high), Math.min(...low)], [50, -50]);
});

test("buckets give their extremes to the band, and no curves give no points", () => {
  const bucketed = { ...curve([0, 1], [1, 1]), low: Float64Array.of(0, -7), high: Float64Array.of(2, 9) };
  const { low, high } = medianOf([bucketed, curve([0, 1], [1, 1])]);
  assert.deepEqual([...low, ...high], [0, -7, 2, 9]);
  assert.equal(medianOf([]).x.length, 0);
});
