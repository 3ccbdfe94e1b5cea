import assert from "node:assert/strict";
import { test } from "node:test";

import { labelMiddle } from "./frame";
import { padded } from "./scale";
import type { Range, Scale } from "./series";
import { linearTicks, logTicks, MOST, valueTicks } from "./ticks";
import { tickTexts } from "./texts";
import { dateTicks, durationTicks, local, utc } from "./time_ticks";

let seed = 20_261_126;
const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;

/** Ends that broke charts before, and any others. */
const ends = [0, -0, 0.99e-3, 1e-3, 5e-324, 1e-320, 2.2e-308, 1, 3, 1e16, 1e16 + 2, 1e300, 1.79e308];

function* ranges(): Generator<Range> {
  for (const a of ends) {
    for (const b of ends) {
      for (const [from, to] of [
        [a, b],
        [-a, b],
        [-b, -a],
      ] as const) {
        if (from <= to) yield [from, to];
      }
    }
  }
  for (let count = 0; count < 20_000; count += 1) {
    const size = () => (random() - 0.5) * 10 ** (random() * 640 - 330);
    const from = random() < 0.2 ? 0 : size();
    const to = random() < 0.3 ? from + Math.abs(from) * random() * 1e-9 : size();
    if (Number.isFinite(from) && Number.isFinite(to)) yield from <= to ? [from, to] : [to, from];
  }
}

function check(ticks: readonly number[], [min, max]: Range, name: string) {
  assert.ok(ticks.length <= MOST, `${name}: ${ticks.length} ticks from ${min} to ${max}`);
  ticks.forEach((tick, index) => {
    assert.ok(tick >= min && tick <= max, `${name}: ${tick} is not between ${min} and ${max}`);
    if (index > 0) assert.ok(tick > (ticks[index - 1] ?? NaN), `${name}: ${min} to ${max} repeats ${tick}`);
  });
}

test("ticks of any range are few, in order and inside, in bounded time", () => {
  const begin = performance.now();
  let number = 0;
  for (const range of ranges()) {
    const count = 1 + Math.floor(random() * 12);
    check(linearTicks(range, count), range, "linear");
    check(durationTicks(range, count), range, "duration");
    check(dateTicks(range, count, local), range, "date");
    tickTexts(linearTicks(range, count), "number", "linear");
    number += 1;
  }
  assert.ok(number > 15_000);
  assert.ok(performance.now() - begin < 20_000);
});

test("ticks of any logarithmic range are few, in order and inside", () => {
  for (const [from, to] of ranges()) {
    if (from <= 0) continue;
    for (const base of [2, 10] as const) {
      const log = base === 2 ? Math.log2 : Math.log10;
      const range: Range = [log(from), log(to)];
      const ticks = logTicks(range, 1 + Math.floor(random() * 12), base);
      check(ticks.map(log), range, `log${base}`);
      tickTexts(ticks, "number", "log10");
    }
  }
});

test("a padded range has an extent and finite ends, and ticks", () => {
  for (const [from, to] of ranges()) {
    const range = padded(from, to);
    assert.ok(range[0] < range[1], `${from} to ${to} became ${range[0]} to ${range[1]}`);
    assert.ok(range[0] <= from && range[1] >= to && range.every(Number.isFinite));
    assert.ok(linearTicks(range, 5).length > 0, `no ticks from ${range[0]} to ${range[1]}`);
  }
});

test("ticks are the round numbers that a reader expects", () => {
  assert.deepEqual(linearTicks([0, 1], 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(linearTicks([0.07, 0.33], 3), [0.1, 0.2, 0.3]);
  assert.deepEqual(linearTicks([-3, 9], 4), [0, 5]);
  assert.deepEqual(linearTicks([4, 4], 4), [4]);
  const scales: [Range, Scale, number[]][] = [
    [[-3, 1], "log10", [0.001, 0.01, 0.1, 1, 10]],
    [[0, 1], "log10", [1, 2, 5, 10]],
    [[0, 4], "log2", [1, 2, 4, 8, 16]],
    [[Math.log10(0.99e-3), 0], "log10", [0.001, 0.01, 0.1, 1]],
    [[Math.log10(2), Math.log10(3)], "log10", [2, 2.2, 2.4, 2.6, 2.8, 3]],
  ];
  for (const [range, scale, expected] of scales) assert.deepEqual(valueTicks(range, 5, scale), expected);
});

test("durations and dates have their own round numbers", () => {
  assert.deepEqual(durationTicks([0, 200], 4), [0, 60, 120, 180]);
  assert.deepEqual(durationTicks([0, 1], 4), [0, 0.5, 1]);
  const noon = Date.UTC(2026, 10, 26, 12) / 1000;
  assert.deepEqual(
    dateTicks([noon + 1, noon + 3700], 5, utc),
    [900, 1800, 2700, 3600].map((n) => noon + n),
  );
  const zone = () => 5.5 * 3600;
  const days = dateTicks([noon, noon + 2 * 86_400], 2, zone);
  const midnight = Date.UTC(2026, 10, 26, 18, 30) / 1000;
  assert.deepEqual(days, [midnight, midnight + 86_400]);
  const months = dateTicks([noon, noon + 100 * 86_400], 4, utc).map((tick) =>
    new Date(tick * 1000).toISOString(),
  );
  assert.deepEqual(months, [
    "2026-12-01T00:00:00.000Z",
    "2027-01-01T00:00:00.000Z",
    "2027-02-01T00:00:00.000Z",
    "2027-03-01T00:00:00.000Z",
  ]);
});

test("the label of a tick at the end of the axis lies within the canvas", () => {
  assert.equal(labelMiddle(200, 50, 400), 200);
  assert.equal(labelMiddle(378, 50, 400), 375);
});
