import assert from "node:assert/strict";
import { test } from "node:test";

import { keyAction, type KeyContext } from "./keys";
import { dashOf, modelOf, type ModelOptions, verticalOf, xTicks, yTicks } from "./model";
import type { ChartSeries } from "./series";
import { svg } from "./svg";
import { curve } from "./testing";
import { utc } from "./time_ticks";
import { valueAtText } from "./values";
import { type ChartView, readView, writeView } from "./view";
import { escape } from "./xml";

const options = (series: ChartSeries[], more: Partial<ModelOptions> = {}): ModelOptions => ({
  series,
  all: series,
  axis: "step",
  scale: "linear",
  unit: "number",
  halfLife: 0,
  zoom: null,
  offset: utc,
  ...more,
});

const palette = {
  curves: ["#111111", "#222222"],
  text: "#000000",
  muted: "#555555",
  line: "#dddddd",
  surface: "#ffffff",
};

test("a chart shows all points of all curves, also where some are hidden", () => {
  const all = [curve("a", [0, 10], [1, 2]), curve("b", [5, 40], [9, 9])];
  const model = modelOf({ ...options(all), series: all.slice(0, 1) });
  assert.deepEqual(model.view, [0, 40]);
  assert.ok(model.yRange[0] < 1 && model.yRange[1] > 2 && model.yRange[1] < 9);
});

test("a zoom stays when points come, and without one the axis follows them", () => {
  const before = options([curve("a", [0, 10], [1, 2])]);
  const after = options([curve("a", [0, 10, 20], [1, 2, 3])]);
  assert.deepEqual(modelOf({ ...after, zoom: [2, 4] }).view, [2, 4]);
  assert.deepEqual(modelOf(before).view, [0, 10]);
  assert.deepEqual(modelOf(after).view, [0, 20]);
});

test("no range of values makes a chart hang or lose its ticks", () => {
  const values = [0, 0.99e-3, 5e-324, 1, -1, 1e300, -1e300, 1.79e308, -1.79e308, NaN, Infinity];
  for (const a of values) {
    for (const b of values) {
      for (const scale of ["linear", "log10", "log2"] as const) {
        const model = modelOf(options([curve("a", [0, 1], [a, b])], { scale }));
        const ticks = [...yTicks(model, 300), ...xTicks(model, 300)];
        assert.ok(ticks.length <= 40);
        assert.ok(
          ticks.every(({ at }) => at >= -1e-9 && at <= 1 + 1e-9),
          `${a} ${b} ${scale}`,
        );
        const toY = verticalOf(model, 0, 100);
        for (const value of [a, b]) {
          const hidden = !Number.isFinite(value) || (scale !== "linear" && value <= 0);
          assert.equal(Number.isFinite(toY(value)), !hidden, `${value} of ${a} ${b} ${scale}`);
        }
      }
    }
  }
});

test("a smoothed curve is the same in every view", () => {
  const series = [curve("a", [0, 1, 2, 3, 4], [1, 5, 2, 8, 3])];
  const whole = modelOf(options(series, { halfLife: 2 }));
  const part = modelOf(options(series, { halfLife: 2, zoom: [2, 3] }));
  assert.deepEqual(whole.lines, part.lines);
});

test("the y axis holds the average, also where it is beyond all values in view", () => {
  const series = [curve("a", [0, 1, 2, 3], [100, 100, 1, 1])];
  const { yRange, lines } = modelOf(options(series, { halfLife: 10, zoom: [2, 3] }));
  assert.ok((lines[0]?.[2] ?? 0) > 50);
  assert.ok(yRange[1] > (lines[0]?.[2] ?? Infinity));
});

test("the first eight colours are solid, later ones are dashed differently", () => {
  assert.deepEqual([...Array(8).keys()].flatMap(dashOf), []);
  assert.notDeepEqual(dashOf(8), dashOf(16));
});

test("an SVG draws every curve and keeps hostile names as text", () => {
  const hostile = `</text><script>alert("1")</script>\u0000&`;
  const low = Float64Array.of(0.5, 1);
  const high = Float64Array.of(2, 3);
  const model = modelOf(
    options([curve(hostile, [0, 1], [1, 2], { low, high }), curve("b", [0, 1], [3, 4])], { halfLife: 1 }),
  );
  const text = svg(model, hostile, palette, "1 value not finite");
  assert.ok(!text.includes("<script"));
  // A band, two raw and two smooth curves.
  assert.equal(text.match(/<path /g)?.length, 5);
  assert.ok(text.includes("1 value not finite"));
  assert.equal(text.match(/NaN|undefined|Infinity/), null);
  assert.equal(escape(`"<&>"`), "&quot;&lt;&amp;&gt;&quot;");
});

test("the legend says the value under the crosshair, else the last", () => {
  const bucket = curve("a", [0, 10], [1, 2], { low: Float64Array.of(0, 2), high: Float64Array.of(3, 2) });
  assert.equal(valueAtText(bucket, bucket.y, 1, [0, 10], 1, "number"), "1 [0 … 3]");
  assert.equal(valueAtText(bucket, bucket.y, null, [0, 10], 1, "number"), "2");
  assert.equal(valueAtText(bucket, bucket.y, 30, [0, 30], 1, "number"), "–");
  assert.equal(valueAtText(bucket, Float64Array.of(1, 1.5), 10, [0, 10], 1, "number"), "1.5 (2)");
});

test("keys move the crosshair, zoom and reset", () => {
  const context: KeyContext = {
    curves: [Float64Array.from({ length: 101 }, (_, index) => index)],
    view: [0, 100],
    at: null,
    step: 0.5,
  };
  const press = (key: string, shift = false, more: Partial<KeyContext> = {}) =>
    keyAction(key, shift, { ...context, ...more });
  assert.deepEqual(press("ArrowRight"), { cursor: 0 });
  assert.deepEqual(press("ArrowLeft"), { cursor: 100 });
  assert.deepEqual(press("ArrowRight", false, { at: 5 }), { cursor: 6 });
  assert.deepEqual(press("ArrowLeft", true, { at: 50 }), { cursor: 40 });
  assert.deepEqual(press("ArrowRight", true, { at: 97 }), { cursor: 100 });
  assert.deepEqual(press("End"), { cursor: 100 });
  assert.deepEqual(press("+", false, { at: 20 }), { zoom: [10, 60] });
  assert.deepEqual(press("-", false, { view: [40, 50] }), { zoom: [35, 55] });
  assert.deepEqual(press("-", false, { view: [30, 90] }), { zoom: null });
  assert.deepEqual(press("Escape"), { cursor: null, zoom: null });
  assert.equal(press("Tab"), undefined);
});

test("a link holds the view of the charts", () => {
  const usual: ChartView = { axis: "step", scale: "linear", halfLife: 0, zoom: null };
  const view: ChartView = {
    axis: "wall",
    scale: "log10",
    halfLife: 30,
    zoom: [1_795_694_400.125, 1_795_694_500],
  };
  const read = (parameters: Record<string, string | null>) =>
    readView(
      new URLSearchParams(
        Object.entries(parameters).flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
      ),
      usual,
    );
  assert.deepEqual(read(writeView(view, usual)), view);
  assert.deepEqual(writeView(usual, usual), { x: null, y: null, smooth: null, zoom: null });
  const step = { ...usual, zoom: [2, 5] } satisfies ChartView;
  assert.equal(writeView(step, usual)["x"], "step", "a zoom is in units of the axis, which the link names");
  assert.equal(writeView({ ...usual, halfLife: 3 }, usual)["x"], "step");
  assert.deepEqual(read({ x: "nothing", y: "1", smooth: "-4", zoom: "5~2" }), usual);
  assert.deepEqual(read({ zoom: "NaN~Infinity", smooth: "Infinity" }), usual);
});
