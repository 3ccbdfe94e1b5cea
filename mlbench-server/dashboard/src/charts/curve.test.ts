import assert from "node:assert/strict";
import { test } from "node:test";

import { testSeries } from "../api/fixtures";
import { Series, type SeriesView } from "../live/series";
import { clockNames, trainingClock } from "./clock";
import { curvesOf, timesIn, type Placing } from "./curve";

const identity = { key: "1", label: "loss", color: 0 };

/** The only curve of points. */
function curveOf(points: SeriesView, placing: Placing) {
  const [curve, ...others] = curvesOf(points, placing, identity);
  assert.ok(curve !== undefined && others.length === 0);
  return curve;
}

/** Points with these steps, a second after each other. */
function points(...steps: number[]) {
  const series = new Series("loss");
  const date = (second: number) => new Date(second * 1000).toISOString();
  series.setPoints(
    steps.map((step, second) => ({ date: date(second), value: String(second), step, epoch: null })),
    1,
  );
  return series.view();
}

/** Buckets of 100 steps each, which end at these times and steps. */
function buckets(ends: readonly [time: number, step: number | null][]) {
  const series = new Series("loss");
  const date = (time: number) => new Date(time * 1000).toISOString();
  series.setBuckets(
    ends.map(([time, step], index) => ({
      start: date(time - 9),
      end: date(time),
      count: 100,
      first: 1,
      last: 10 * index,
      min: 0,
      max: 50,
      sum: 100,
      step,
      epoch: step === null ? null : step / 100,
    })),
    1,
  );
  return series.view();
}

test("a curve of buckets has every x axis", () => {
  const points = buckets([
    [1010, 99],
    [1020, 199],
    [1030, 299],
  ]);
  const xs = (["step", "epoch", "relative", "wall"] as const).map((axis) => [
    ...curveOf(points, { axis, start: 1000 }).x,
  ]);
  assert.deepEqual(xs, [
    [99, 199, 299],
    [0.99, 1.99, 2.99],
    [10, 20, 30],
    [1010, 1020, 1030],
  ]);
  const { low, high } = curveOf(points, { axis: "step", start: 0 });
  assert.deepEqual([low?.length, high?.[1]], [3, 50]);
});

test("buckets without a step have no place on its axis", () => {
  const { x, y } = curveOf(
    buckets([
      [1010, 99],
      [1020, null],
      [1030, 299],
    ]),
    { axis: "step", start: 0 },
  );
  assert.deepEqual([...x, ...y], [99, 299, 0, 20]);
});

test("each training of a run is a curve of its own, which never leads back", () => {
  const placing = { axis: "step", start: 0 } as const;
  const curves = curvesOf(points(0, 1, 2, 3, 0, 1, 2, 3, 4), placing, identity);
  assert.deepEqual(
    curves.map(({ key, label, x, y }) => [key, label, [...x], [...y]]),
    [
      ["1", "loss", [0, 1, 2, 3], [0, 1, 2, 3]],
      ["1 2", "loss, training 2", [0, 1, 2, 3, 4], [4, 5, 6, 7, 8]],
    ],
  );
  // A run that goes on from a checkpoint repeats what it did since then.
  const resumed = curvesOf(points(0, 1, 2, 3, 4, 5, 6, 3, 4, 5, 6, 7), placing, identity);
  assert.deepEqual(
    resumed.map(({ x }) => [...x]),
    [
      [0, 1, 2, 3, 4, 5, 6],
      [3, 4, 5, 6, 7],
    ],
  );
  // Over time, all of them follow each other.
  assert.equal(curvesOf(points(0, 1, 0, 1), { axis: "relative", start: 0 }, identity).length, 1);
});

test("a point that came late takes its place", () => {
  const { x, y } = curveOf(points(1, 2, 4, 3, 5, 6), { axis: "step", start: 0 });
  assert.deepEqual(
    [[...x], [...y]],
    [
      [1, 2, 3, 4, 5, 6],
      [0, 1, 3, 2, 4, 5],
    ],
  );
});

test("a part of any axis is a part of time", () => {
  const points = buckets([
    [1010, 99],
    [1020, 199],
    [1030, 299],
    [1040, 399],
  ]);
  const clock = (time: number) => (time - 1000) * 2;
  const span = (axis: "step" | "epoch" | "wall" | "relative" | "training", from: number, to: number) =>
    timesIn(points, { axis, start: 1000, clock }, [from, to]);
  assert.deepEqual(span("step", 150, 250), [1010, 1030]);
  assert.deepEqual(span("step", 210, 220), [1020, 1030], "within one bucket");
  assert.deepEqual(span("step", 0, 50), [0, 1010], "the first bucket has no known beginning");
  assert.equal(span("step", 500, 600), undefined);
  assert.deepEqual(span("epoch", 2.5, 3.5), [1020, 1040]);
  assert.deepEqual(span("training", 50, 55), [1020, 1030]);
  assert.deepEqual(span("relative", 5, 15), [1005, 1015]);
  assert.deepEqual(span("wall", 5, 15), [5, 15]);
});

test("training time adds the seconds of the steps up to a date", () => {
  const clock = trainingClock([
    { time: Float64Array.of(1, 3), sum: Float64Array.of(0.5, 0.25), bucketed: false },
    { time: Float64Array.of(1, 2), sum: Float64Array.of(1, NaN), bucketed: false },
  ]);
  assert.deepEqual(
    [0, 1, 2, 3, 9].map((time) => clock?.(time)),
    [0, 1.5, 1.5, 1.75, 1.75],
  );
  assert.equal(trainingClock([]), undefined);
  assert.deepEqual(clockNames([testSeries("agg @ 0"), testSeries("init @ 0"), testSeries("init @ 1")]), [
    "init @ 0",
    "agg @ 0",
  ]);
  const epoch = "CumulativeTrainTimeEpoch @ 0";
  assert.deepEqual(clockNames([testSeries("agg @ 0"), testSeries(epoch)]), [epoch]);
});

test("training time of a long series adds the sums of its buckets, and passes evenly within one", () => {
  const clock = trainingClock([
    { time: Float64Array.of(10, 20, 30), sum: Float64Array.of(5, 8, NaN), bucketed: true },
  ]);
  assert.deepEqual(
    [9, 10, 15, 20, 25, 30, 40].map((time) => clock?.(time)),
    [0, 5, 9, 13, 13, 13, 13],
  );
});
