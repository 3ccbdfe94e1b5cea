import assert from "node:assert/strict";
import { test } from "node:test";

import { traceColumns } from "./band_columns";
import type { Projection } from "./trace";

/** Returns the columns that are drawn: the middle of each, its top and its bottom. */
function columns(
  x: number[],
  low: number[],
  high: number[],
  width: number,
  view: [number, number],
): number[][] {
  const drawn: number[][] = [];
  const pen = {
    moveTo: (at: number, top: number) => drawn.push([at, top]),
    lineTo: (_: number, bottom: number) => drawn.at(-1)?.push(bottom),
  };
  const to: Projection = { view, left: 0, right: width, toY: (value) => 100 - value };
  traceColumns(pen, Float64Array.from(x), Float64Array.from(low), Float64Array.from(high), to, 101);
  return drawn;
}

test("a column reaches from the least to the greatest of its buckets", () => {
  const drawn = columns([0, 0.25, 0.5, 1, 2], [5, 1, 6, 6, 6], [7, 8, 90, 7, 7], 2, [0, 2]);
  assert.deepEqual(drawn, [
    [0.5, 10, 99],
    [1.5, 93, 94],
  ]);
});

test("columns between two buckets lie on the straight lines between them", () => {
  const drawn = columns([0, 4], [0, 40], [10, 50], 4, [0, 4]);
  assert.deepEqual(drawn, [
    [0.5, 80, 100],
    [1.5, 70, 90],
    [2.5, 60, 80],
    [3.5, 50, 70],
  ]);
});

test("a gap has no columns, and a bucket between two gaps has one", () => {
  const drawn = columns([0, 1, 2, 3, 4, 5], [1, NaN, 1, NaN, 1, 2], [2, NaN, 2, NaN, 2, 3], 5, [0, 5]);
  assert.deepEqual(
    drawn.map(([at]) => at),
    [0.5, 2.5, 4.5],
  );
});

test("a bucket after a gap at the right edge has the last column, and one beyond the edge none", () => {
  assert.deepEqual(columns([0, 1, 2], [1, NaN, 1], [2, NaN, 2], 2, [0, 2]), [
    [0.5, 98, 99],
    [1.5, 98, 99],
  ]);
  assert.deepEqual(columns([0, 1, 3], [1, NaN, 1], [2, NaN, 2], 2, [0, 2]), [[0.5, 98, 99]]);
});

test("a view far inside two buckets is filled", () => {
  const drawn = columns([0, 1e9], [0, 0], [50, 50], 3, [1e6, 1e6 + 1]);
  assert.deepEqual(drawn, [
    [0.5, 50, 100],
    [1.5, 50, 100],
    [2.5, 50, 100],
  ]);
});

test("a bucket without a place for its least value reaches the floor", () => {
  const drawn = columns([0, 1], [NaN, NaN], [50, 50], 1, [0, 1]);
  assert.deepEqual(drawn, [[0.5, 50, 101]]);
});
