import assert from "node:assert/strict";
import { test } from "node:test";

import { cell, csv } from "./csv";
import { fromZero, hiddenText, xExtent, yExtent } from "./extent";
import { differing } from "./legend";
import { noAxisText } from "./no_axis";
import { rates, sumSamples } from "./rates";
import { rowPositions, rowsOf } from "./rows";
import { nearest, nextX } from "./search";
import { summaryText } from "./summary";
import { curve } from "./testing";
import { dateText, dateTexts, durationText, numberText, tickTexts, valueText } from "./texts";
import { utc } from "./time_ticks";

test("a legend shows what differs", () => {
  assert.deepEqual(differing(["train_loss @ 0", "train_loss @ 1"]), ["0", "1"]);
  assert.deepEqual(differing(["a/train loss", "a/val loss"]), ["train", "val"]);
  assert.deepEqual(differing(["run 12 · loss", "run 13 · loss"]), ["run 12", "run 13"]);
  assert.deepEqual(differing(["rank 0", "rank 1"]), ["rank 0", "rank 1"]);
  assert.deepEqual(differing(["rank 0", "rank 1", "rank 10"]), ["rank 0", "rank 1", "rank 10"]);
  assert.deepEqual(differing(["#1 fit", "#2 fit"]), ["#1", "#2"]);
  assert.deepEqual(differing(["#1 fit", "#2 <b>"]), ["#1 fit", "#2 <b>"]);
  assert.deepEqual(differing(["Prec@1 @ 0"]), ["Prec@1 @ 0"]);
  assert.deepEqual(differing(["same", "same"]), ["same", "same"]);
  assert.deepEqual(differing(["loss", "loss 2"]), ["loss", "2"]);
  assert.deepEqual(differing([]), []);
  assert.deepEqual(differing(["<b>x</b>", "<b>y</b>"]), ["x", "y"]);
});

test("CSV quotes, and no cell is a formula", () => {
  const low = Float64Array.of(0, NaN);
  const text = csv([curve('a "b", c', [1, 2], [0.5, NaN], { low, high: low })], "step", String);
  assert.equal(text, 'curve,step,value,min,max\r\n"a ""b"", c",1,0.5,0,0\r\n"a ""b"", c",2,,,\r\n');
  assert.equal(cell("=1+1"), "'=1+1");
  assert.equal(cell("-1.5"), "-1.5");
  assert.equal(cell("two\nlines"), '"two\nlines"');
});

test("values without a place on a log axis are counted and said", () => {
  const series = [curve("a", [0, 1, 2, 3, 4], [0, -1, 10, NaN, 100])];
  const log = yExtent(series, [0, 4], "log10");
  assert.deepEqual([log.min, log.max, log.notPositive, log.notFinite, log.points], [1, 2, 2, 1, 5]);
  assert.equal(
    hiddenText(log),
    "2 values ≤ 0 not shown on the log axis; 1 value not finite (NaN or infinite), shown as gaps",
  );
  const linear = yExtent(series, [1, 2], "linear");
  assert.deepEqual([linear.min, linear.max, linear.notPositive, linear.points], [-1, 10, 0, 2]);
  assert.equal(hiddenText(linear), "");
});

test("the extent of buckets is that of their extremes", () => {
  const bucket = curve("a", [0, 1], [1, 1], { low: Float64Array.of(-9, 1), high: Float64Array.of(2, 70) });
  const { min, max } = yExtent([bucket], [0, 1], "linear");
  assert.deepEqual([min, max], [-9, 70]);
  assert.deepEqual(xExtent([bucket, curve("b", [-4], [0])]), [-4, 1]);
  assert.equal(xExtent([curve("b", [], [])]), undefined);
});

test("an axis that begins near zero begins at zero, one of dates does not", () => {
  assert.deepEqual(fromZero([0.01, 0.24], "relative"), [0, 0.24]);
  assert.deepEqual(fromZero([1, 10], "epoch"), [0, 10]);
  assert.deepEqual(fromZero([2, 10], "step"), [2, 10]);
  assert.deepEqual(fromZero([-1, 10], "relative"), [-1, 10]);
  assert.deepEqual(fromZero([5, 5], "step"), [5, 5]);
  assert.deepEqual(fromZero([1, 1e9], "wall"), [1, 1e9]);
  assert.equal(fromZero(undefined, "step"), undefined);
});

test("a log extent ignores what a bucket has below zero", () => {
  const bucket = curve("a", [0], [10], { low: Float64Array.of(-5), high: Float64Array.of(100) });
  const { min, max, notPositive } = yExtent([bucket], [0, 1], "log10");
  assert.deepEqual([min, max, notPositive], [1, 2, 1]);
});

test("the crosshair finds the nearest point, none beyond the end", () => {
  const x = Float64Array.of(0, 10, 20);
  assert.equal(nearest(x, 4, 1), 0);
  assert.equal(nearest(x, 6, 1), 1);
  assert.equal(nearest(x, 20.5, 1), 2);
  assert.equal(nearest(x, 22, 1), -1);
  assert.equal(nearest(x, -2, 1), -1);
  assert.equal(nearest(new Float64Array(), 0, 1), -1);
});

test("the keyboard reaches every point in both directions", () => {
  const curves = [Float64Array.of(0, 2, 4), Float64Array.of(1, 2, 5)];
  const walk = (from: number, direction: 1 | -1) => {
    const seen = [from];
    for (let at = nextX(curves, from, direction, 0); at !== undefined; at = nextX(curves, at, direction, 0))
      seen.push(at);
    return seen;
  };
  assert.deepEqual(walk(0, 1), [0, 1, 2, 4, 5]);
  assert.deepEqual(walk(5, -1), [5, 4, 2, 1, 0]);
  const dates = [Float64Array.of(1.7e9, 1.7e9 + 1)];
  assert.equal(nextX(dates, 1.7e9, 1, 0), 1.7e9 + 1);
});

test("a rate is the growth per second, and a counter may begin again", () => {
  const { x, y } = rates({ x: Float64Array.of(0, 2, 4, 5), y: Float64Array.of(10, 14, 14, 3) });
  assert.deepEqual([...x], [2, 4, 5]);
  assert.deepEqual([...y], [2, 0, 3]);
});

test("a rate over a long silence is a gap", () => {
  const { y } = rates({ x: Float64Array.of(0, 1, 100, 100, 101), y: Float64Array.of(0, 1, 2, 3, 5) }, 10);
  assert.deepEqual([...y], [1, NaN, 2]);
  assert.deepEqual([...rates({ x: Float64Array.of(0, 1, 2), y: Float64Array.of(0, NaN, 4) }).y], [2]);
});

test("a rate over an instant is passed over", () => {
  const samples = { x: Float64Array.of(0, 0.04, 2, 2.5, 4), y: Float64Array.of(0, 1, 2, 2, 6) };
  const { x, y } = rates(samples, Infinity, 1);
  assert.deepEqual([...x], [2, 4]);
  assert.deepEqual([...y], [1, 2]);
});

test("a sum takes the newest value of each series", () => {
  const sum = sumSamples([
    { x: Float64Array.of(1, 2, 3), y: Float64Array.of(1, 1, 1) },
    { x: Float64Array.of(1.5, 3), y: Float64Array.of(10, 20) },
  ]);
  assert.deepEqual([...sum.y], [1, 11, 21]);
});

test("a table has each x once", () => {
  const series = [curve("a", [0, 1, 1], [1, 2, 3]), curve("b", [1, 5], [4, 5])];
  const positions = rowPositions(series);
  assert.deepEqual([...positions], [0, 1, 5]);
  assert.deepEqual(rowsOf(series, positions), [
    { x: 0, points: [0, -1] },
    { x: 1, points: [2, 0] },
    { x: 5, points: [-1, 1] },
  ]);
});

test("a summary says what the curves show", () => {
  const text = summaryText([curve("loss", [0, 1, 2], [3, 1, NaN])], String);
  assert.equal(text, "loss: 3 points, last 1, least 1, greatest 3.");
  assert.equal(summaryText([], String), "No points yet.");
  assert.equal(summaryText([curve("x", [1], [NaN])], String), "x: 1 point, no finite value.");
});

test("numbers are short and exact enough", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [0.5, "0.5"],
    [-1234.5678, "−1234.6"],
    [65_536, "65,536"],
    [1e-9, "1e−9"],
    [123_456_789, "1.2346e8"],
    [NaN, "NaN"],
    [-Infinity, "−∞"],
    [5e-324, "4.9407e−324"],
  ];
  for (const [value, text] of cases) assert.equal(numberText(value), text);
  assert.equal(valueText(193 * 1024 ** 2, "bytes"), "193 MiB");
  assert.equal(valueText(0.5, "cores"), "0.5 cores");
});

test("ticks have as many digits as they need to differ", () => {
  assert.deepEqual(tickTexts([0, 0.05, 0.1], "number", "linear"), ["0.00", "0.05", "0.10"]);
  assert.deepEqual(tickTexts([1000.001, 1000.002], "number", "linear"), ["1000.001", "1000.002"]);
  assert.deepEqual(tickTexts([0, 2e7, 4e7], "number", "linear"), ["0", "2e7", "4e7"]);
  assert.equal(new Set(tickTexts([0.1234561, 0.1234562], "number", "linear")).size, 2);
  assert.deepEqual(tickTexts([1, 1024, 1024 ** 2], "bytes", "log2"), ["1 B", "1 KiB", "1 MiB"]);
});

test("durations and dates read as people write them", () => {
  assert.equal(durationText(0.25), "0.25 s");
  assert.equal(durationText(90), "1m 30s");
  assert.equal(durationText(3600), "1h");
  assert.equal(durationText(-90_061), "−1d 1h");
  const date = Date.UTC(2026, 10, 26, 14, 5, 9) / 1000;
  assert.equal(dateText(date, utc), "2026-11-26 14:05:09");
  assert.equal(dateText(1e300, utc), "1e300");
  const midnight = Date.UTC(2026, 10, 27) / 1000;
  assert.deepEqual(dateTexts([midnight - 3600, midnight], utc), ["23:00", "27 Nov"]);
});

test("a chart without points on its axis says why", () => {
  assert.match(noAxisText("step"), /no step; choose another/);
  assert.match(noAxisText("epoch"), /no epoch; choose another/);
  assert.equal(noAxisText("training"), "No numbers.");
});

test("short times have units that people read", () => {
  const texts = [2.5e-6, 0.0123, 0.99996, 1, 90, -0.002, 0, 5e-10, 1e-12, 0.001].map((value) =>
    valueText(value, "seconds"),
  );
  assert.deepEqual(texts, [
    "2.5 µs",
    "12.3 ms",
    "1 s",
    "1 s",
    "90 s",
    "−2 ms",
    "0 s",
    "0.5 ns",
    "0.001 ns",
    "1 ms",
  ]);
  assert.equal(durationText(2.5e-4), "250 µs");
  assert.deepEqual(tickTexts([0, 5e-6, 1e-5], "seconds", "linear"), ["0", "5 µs", "10 µs"]);
  assert.deepEqual(tickTexts([0, 0.002, 0.004], "seconds", "linear"), ["0", "2 ms", "4 ms"]);
  assert.deepEqual(tickTexts([0, 0.5, 1], "seconds", "linear"), ["0.0", "0.5", "1.0"]);
  assert.deepEqual(tickTexts([1e-6, 1e-4, 0.01], "seconds", "log10"), ["1 µs", "100 µs", "10 ms"]);
  assert.deepEqual(tickTexts([0.01, 1, 100], "seconds", "log10"), ["0.01", "1", "100"]);
});
