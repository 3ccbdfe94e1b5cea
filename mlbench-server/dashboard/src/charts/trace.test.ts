import assert from "node:assert/strict";
import { test } from "node:test";

import { type Pen, type Projection, traceBand, traceLine } from "./trace";

type Command = ["M" | "L", number, number] | ["Z"];

function recorder() {
  const commands: Command[] = [];
  const pen: Pen = {
    moveTo: (x, y) => commands.push(["M", x, y]),
    lineTo: (x, y) => commands.push(["L", x, y]),
    closePath: () => commands.push(["Z"]),
  };
  return { pen, commands };
}

const projection = (view: readonly [number, number], width: number): Projection => ({
  view,
  left: 0,
  right: width,
  toY: (value) => -value,
});

test("a line goes through every point", () => {
  const { pen, commands } = recorder();
  traceLine(pen, Float64Array.of(0, 1, 2), Float64Array.of(5, 6, 7), projection([0, 2], 100));
  assert.deepEqual(commands, [
    ["M", 0, -5],
    ["L", 50, -6],
    ["L", 100, -7],
  ]);
});

/** The corners of a dot, as they are drawn. */
const diamond = (x: number, y: number) => [
  [x + 2, y],
  [x, y + 2],
  [x - 2, y],
  [x, y - 2],
  [x + 2, y],
];

test("a gap interrupts the line, and a lonely point becomes a dot", () => {
  const { pen, commands } = recorder();
  const x = Float64Array.of(0, 1, 2, 3, 4);
  traceLine(pen, x, Float64Array.of(5, NaN, 7, NaN, NaN), projection([0, 4], 40));
  assert.deepEqual(
    commands.map(([, atX, atY]) => [atX, atY]),
    [[0, -5], ...diamond(0, -5), [20, -7], ...diamond(20, -7)],
  );
  assert.deepEqual(
    commands.flatMap(([kind], index) => (kind === "M" ? [index] : [])),
    [0, 6],
    "the dots are apart",
  );
});

test("the extremes of a dense curve are drawn", () => {
  const length = 100_000;
  const x = Float64Array.from({ length }, (_, index) => index);
  const y = Float64Array.from({ length }, (_, index) => (index === 61_803 ? 1e9 : index === 7 ? -1e9 : 0));
  const { pen, commands } = recorder();
  traceLine(pen, x, y, projection([0, length - 1], 300));
  assert.ok(commands.length < 4 * 301 + 2, `${commands.length}`);
  const drawn = commands.map(([, , at]) => at);
  assert.ok(drawn.includes(-1e9));
  assert.ok(drawn.includes(1e9));
});

test("a dense curve has the least and the greatest value of every column", () => {
  const length = 20_000;
  let seed = 1;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const x = Float64Array.from({ length }, (_, index) => index);
  const y = Float64Array.from({ length }, random);
  const { pen, commands } = recorder();
  traceLine(pen, x, y, projection([0, length - 1], 97));
  for (let column = 0; column <= 97; column += 1) {
    const inside = [...y].filter((_, index) => Math.round((index * 97) / (length - 1)) === column);
    const drawn = commands.flatMap(([, at, value]) => (at === column && value !== undefined ? [-value] : []));
    assert.equal(Math.max(...drawn), Math.max(...inside));
    assert.equal(Math.min(...drawn), Math.min(...inside));
  }
});

test("a line from far outside enters the plot at its slope", () => {
  const { pen, commands } = recorder();
  traceLine(pen, Float64Array.of(0, 1e9, 2e9), Float64Array.of(0, 1e9, 2e9), projection([1e9, 1e9 + 1], 100));
  assert.deepEqual(commands, [
    ["M", -10, -1e9 + 0.1],
    ["L", 0, -1e9],
    ["L", 110, -1e9 - 1.1],
  ]);
});

test("a band has the extremes of each bucket and ends at gaps", () => {
  const { pen, commands } = recorder();
  const x = Float64Array.of(0, 1, 2, 3);
  const low = Float64Array.of(1, 2, NaN, 3);
  const high = Float64Array.of(4, 5, NaN, 6);
  traceBand(pen, x, low, high, projection([0, 3], 30), 0);
  assert.deepEqual(commands, [
    ["M", 0, -4],
    ["L", 10, -5],
    ["L", 10, -2],
    ["L", 0, -1],
    ["Z"],
    ["M", 29.25, -6],
    ["L", 30.75, -6],
    ["L", 30.75, -3],
    ["L", 29.25, -3],
    ["Z"],
  ]);
});
