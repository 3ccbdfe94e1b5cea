import assert from "node:assert/strict";
import { test } from "node:test";

import { type Bar, barsScene, percent } from "./bars";
import { type Scatter, scatterScene, ticksOf } from "./scatter";
import type { Scene } from "./scene";
import { sceneSvg } from "./scene_svg";

const speedUp: Scatter = {
  groups: [
    {
      label: "gloo",
      color: 0,
      dots: [
        { x: 1, y: 1 },
        { x: 2, y: 1.9 },
        { x: 2, y: 2.1 },
        { x: 4, y: 3, hollow: true },
        { x: 8, y: undefined },
      ],
      middles: [
        { x: 1, y: 1, low: 1, high: 1 },
        { x: 2, y: 2, low: 1.9, high: 2.1, text: "100 %" },
        { x: 4, y: 3, low: 3, high: 3, hollow: true, text: "75 %" },
      ],
    },
  ],
  x: { name: "Workers", scale: "log2" },
  y: { name: "Speed-up", scale: "log2", unit: "number" },
  ideal: {
    name: "ideal",
    points: [
      [1, 1],
      [8, 8],
    ],
  },
};

const texts = ({ shapes }: Scene) => shapes.flatMap((shape) => (shape.is === "text" ? [shape.text] : []));

/** Every number of every shape. */
const numbers = ({ shapes }: Scene) =>
  shapes.flatMap((shape) => {
    switch (shape.is) {
      case "line":
        return shape.points.flat();
      case "circle":
        return [shape.x, shape.y];
      case "rect":
        return [shape.x, shape.y, shape.width, shape.height];
      case "text":
        return [shape.x, shape.y];
    }
  });

test("a speed-up chart has ticks only where measured, and every repeat as a dot", () => {
  const scene = scatterScene(speedUp, 600, 320);
  const shown = texts(scene);
  for (const text of ["1", "2", "4", "8", "Workers", "100 %", "75 %", "ideal"])
    assert.ok(shown.includes(text), text);
  const circles = scene.shapes.filter((shape) => shape.is === "circle");
  assert.equal(circles.length, 4 + 3);
  assert.equal(circles.filter((circle) => circle.hollow === true).length, 2);
  assert.ok(numbers(scene).every(Number.isFinite));
});

test("very many x have ticks at powers of two instead, in their unit", () => {
  const sizes = Array.from({ length: 80 }, (_, index) => Math.round(10 ** (index / 10)) * 4);
  assert.deepEqual(ticksOf(sizes, "log2"), [32, 1024, 32_768, 2 ** 20, 2 ** 25]);
  assert.deepEqual(ticksOf([3, 5, 7], "log2"), [3, 5, 7]);
  const middles = sizes.map((x) => ({ x, y: 1, low: 1, high: 1 }));
  const scene = scatterScene(
    {
      groups: [{ label: "", color: 0, dots: [], middles }],
      x: { name: "Size", scale: "log2", unit: "bytes" },
      y: { name: "Bus bandwidth", scale: "log10", unit: "number" },
    },
    400,
    300,
  );
  const shown = texts(scene);
  for (const text of ["32 B", "1 KiB", "1 MiB", "32 MiB"]) assert.ok(shown.includes(text), shown.join());
});

test("workers that double are equally far apart, and the ideal line is straight", () => {
  const scene = scatterScene(speedUp, 600, 320);
  const at = (text: string) =>
    scene.shapes.find((shape) => shape.is === "text" && shape.text === text && shape.anchor === "middle");
  const positions = ["1", "2", "4", "8"].map((text) => {
    const shape = at(text);
    return shape?.is === "text" ? shape.x : NaN;
  });
  const steps = positions.slice(1).map((x, index) => Math.round(x - (positions[index] ?? 0)));
  assert.deepEqual(new Set(steps).size, 1, steps.join());
});

test("a chart without measurements, or with absurd ones, has finite shapes", () => {
  const empty = scatterScene({ ...speedUp, groups: [] }, 300, 200);
  assert.ok(numbers(empty).every(Number.isFinite));
  for (const value of [0, -1, NaN, Infinity, 1e300, 5e-324]) {
    const dots = [
      { x: value, y: value },
      { x: 1, y: 1 },
    ];
    const groups = [{ label: "a", color: 9, dots, middles: [{ x: 1, y: value, low: value, high: value }] }];
    for (const scale of ["linear", "log10", "log2"] as const) {
      const scene = scatterScene({ ...speedUp, groups, y: { ...speedUp.y, scale } }, 300, 200);
      assert.ok(numbers(scene).every(Number.isFinite), `${value} ${scale}`);
    }
  }
});

test("the parts of a bar fill it, and each says its share", () => {
  const parts = (a: number, b: number) => [
    { name: "compute", color: 0, value: a },
    { name: "waiting", color: 1, value: b },
  ];
  const bars: Bar[] = [
    { label: "one", parts: parts(3, 1), text: "4 s" },
    { label: "nothing", parts: parts(0, NaN), text: "" },
  ];
  const scene = barsScene(bars, 600);
  const [first, second] = scene.shapes.filter((shape) => shape.is === "rect");
  assert.ok(first !== undefined && second !== undefined);
  assert.ok(Math.abs(first.width + 1 - 3 * (second.width + 1)) < 1e-6);
  assert.equal(first.title, "one, compute: 75 %");
  assert.ok(texts(scene).includes("75 %"));
  assert.ok(numbers(scene).every(Number.isFinite));
  assert.deepEqual([0, 0.004, 0.0999, 1].map(percent), ["0 %", "0.4 %", "10 %", "100 %"]);
});

test("bars in seconds are as long as their times, and name them", () => {
  const bar = (label: string, value: number): Bar => ({
    label,
    parts: [{ name: "compute", color: 0, value }],
    text: "",
  });
  const [long, short] = barsScene([bar("a", 4), bar("b", 1)], 700, true).shapes.filter(
    ({ is }) => is === "rect",
  );
  assert.ok(long?.is === "rect" && short?.is === "rect");
  assert.ok(Math.abs(long.width + 1 - 4 * (short.width + 1)) < 1e-6);
  assert.equal(long.title, "a, compute: 4 s");
  assert.ok(numbers(barsScene([bar("a", 0)], 700, true)).every(Number.isFinite));
});

test("a label of a bar is cut only where it has no room", () => {
  const bar = (label: string): Bar => ({ label, parts: [{ name: "a", color: 0, value: 1 }], text: "1 s" });
  for (let length = 1; length <= 30; length += 1) {
    const label = "w".repeat(length);
    assert.ok(texts(barsScene([bar(label)], 700)).includes(label), label);
  }
  const [short] = texts(barsScene([bar("w".repeat(80))], 300));
  assert.match(short ?? "", /^w+…$/);
});

test("the picture to download has the shapes with their colours, names as text", () => {
  const palette = {
    curves: ["#0000aa"],
    text: "#000000",
    muted: "#666666",
    line: "#dddddd",
    surface: "#ffffff",
  };
  const svg = sceneSvg(scatterScene(speedUp, 600, 320), "<i>Speed-up</i>", palette);
  assert.ok(svg.includes("#0000aa") && svg.includes("&lt;i&gt;") && !svg.includes("<i>"));
  assert.equal(svg.match(/NaN|undefined|Infinity|var\(/), null);
});
