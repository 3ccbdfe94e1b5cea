import assert from "node:assert/strict";
import { test } from "node:test";

import { smooth } from "./smooth";

const close = (actual: number | undefined, expected: number, message?: string) =>
  assert.ok(
    Math.abs((actual ?? NaN) - expected) < 1e-9 * (1 + Math.abs(expected)),
    message ?? `${actual} is not ${expected}`,
  );

/** A noisy curve with uneven steps. */
function noisy(length: number) {
  let seed = 7;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  let at = 0;
  const x = Float64Array.from({ length }, () => (at += 0.1 + random()));
  return { x, y: x.map((value) => Math.exp(-value / 50) + random()) };
}

test("what comes later does not change the curve of the past", () => {
  const { x, y } = noisy(500);
  const whole = smooth(x, y, 12);
  for (const length of [1, 2, 77, 499]) {
    assert.deepEqual(smooth(x.slice(0, length), y.slice(0, length), 12), whole.slice(0, length));
  }
});

test("more points on the same line change nothing", () => {
  const { x, y } = noisy(200);
  const once = smooth(x, y, 5);
  const fine = { x: [] as number[], y: [] as number[] };
  x.forEach((at, index) => {
    const lastX = x[index - 1] ?? NaN;
    const lastY = y[index - 1] ?? NaN;
    for (const part of index === 0 ? [] : [0.2, 0.5, 0.9]) {
      fine.x.push(lastX + (at - lastX) * part);
      fine.y.push(lastY + ((y[index] ?? NaN) - lastY) * part);
    }
    fine.x.push(at);
    fine.y.push(y[index] ?? NaN);
  });
  const split = smooth(Float64Array.from(fine.x), Float64Array.from(fine.y), 5);
  once.forEach((value, index) => close(split[index * 4], value));
});

test("the unit of x does not matter", () => {
  const { x, y } = noisy(100);
  const seconds = smooth(x, y, 5);
  const later = smooth(
    x.map((at) => 1e6 + at * 1024),
    y,
    5 * 1024,
  );
  seconds.forEach((value, index) => assert.ok(Math.abs((later[index] ?? NaN) - value) < 1e-6));
});

test("a constant stays, and a step is half done after the half-life", () => {
  const x = Float64Array.from({ length: 4001 }, (_, index) => index / 10);
  smooth(
    x,
    x.map(() => 3),
    7,
  ).forEach((value) => close(value, 3));
  const step = smooth(
    x,
    x.map((at) => (at < 300 ? 0 : 1)),
    50,
  );
  const half = step[3500] ?? NaN;
  assert.ok(Math.abs(half - 0.5) < 0.01, `${half}`);
});

test("the strongest smoothing is the mean, and none is the curve itself", () => {
  const { x, y } = noisy(50);
  assert.equal(smooth(x, y, 0), y);
  const flat = smooth(Float64Array.of(0, 1, 2), Float64Array.of(0, 1, 2), 1e12);
  close(flat[2], 1);
});

test("NaN stays a gap and does not spread", () => {
  const result = smooth(Float64Array.of(0, 1, 2, 3, 4), Float64Array.of(5, NaN, 5, Infinity, 5), 1);
  assert.deepEqual(
    [...result].map((value) => Number(value.toFixed(9))),
    [5, NaN, 5, NaN, 5],
  );
});

test("points at one x are finite", () => {
  const result = smooth(Float64Array.of(1, 1, 1), Float64Array.of(2, 4, 6), 3);
  assert.deepEqual([...result], [2, 3, 4]);
});
