// The page that `charts.mjs` measures: charts with made-up curves.
import "../../src/style/tokens.css";
import "../../src/style/base.css";
import "../../src/style/charts.css";

import { signal } from "@preact/signals";
import { render } from "preact";

import { Chart } from "../../src/charts/chart";
import { createGroup } from "../../src/charts/group";
import type { ChartSeries } from "../../src/charts/series";

/** What a series of frames took, in milliseconds. */
interface Frames {
  fps: number;
  p99: number;
  longTasks: number;
}

/** How long the same goes on before it is measured, in milliseconds. */
const WARM_UP = 1_000;

let seed = 1;
const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;

/** Returns curves that look like a loss. */
function curves(count: number, length: number): ChartSeries[] {
  return Array.from({ length: count }, (_, index) => {
    const x = Float64Array.from({ length }, (_, step) => step);
    const rate = length * (0.1 + random() * 0.3);
    const y = x.map((step) => Math.exp(-step / rate) + 0.1 + index * 0.01 + random() * 0.05);
    return { key: String(index), label: `run ${index} · train_loss`, color: index, x, y };
  });
}

/** Returns the curves one point later. */
function advanced(series: readonly ChartSeries[]): ChartSeries[] {
  return series.map((curve) => {
    const x = curve.x.map((step) => step + 1);
    const y = curve.y.slice();
    y.copyWithin(0, 1);
    y[y.length - 1] = (y.at(-2) ?? 0) * 0.99 + random() * 0.01;
    return { ...curve, x, y };
  });
}

const root = document.getElementById("app") ?? document.body;

const nextFrame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve));

/** Measures frames while `each` runs in every one of them. */
async function frames(milliseconds: number, each: (now: number) => void): Promise<Frames> {
  let longTasks = 0;
  const observer = new PerformanceObserver((list) => (longTasks += list.getEntries().length));
  const start = await nextFrame();
  // The engine compiles the code within the first second.
  for (let now = start; now - start < WARM_UP; now = await nextFrame()) each(now);
  observer.observe({ entryTypes: ["longtask"] });
  const begin = await nextFrame();
  const spans: number[] = [];
  let last = begin;
  while (last - begin < milliseconds) {
    each(last);
    const now = await nextFrame();
    spans.push(now - last);
    last = now;
  }
  observer.disconnect();
  spans.sort((a, b) => a - b);
  const p99 = spans[Math.floor(spans.length * 0.99)] ?? NaN;
  return { fps: (spans.length * 1000) / (last - begin), p99, longTasks };
}

/** 50 curves of 1,000 points: new points at 10 Hz while the crosshair moves in every frame. */
async function live(milliseconds: number): Promise<Frames> {
  const series = signal(curves(50, 1000));
  const group = createGroup();
  const Live = () => (
    <Chart title="Train loss" series={series.value} axis="step" group={group} height={500} />
  );
  render(<Live />, root);
  await nextFrame();
  await nextFrame();
  const over = root.querySelector(".chart-over");
  let tick = 0;
  let moved = 0;
  const result = await frames(milliseconds, (now) => {
    if (now - tick >= 100) {
      tick = now;
      series.value = advanced(series.value);
    }
    moved += 7;
    const box = over?.getBoundingClientRect();
    if (box === undefined) return;
    const clientX = box.left + (moved % box.width);
    over?.dispatchEvent(
      new PointerEvent("pointermove", {
        pointerType: "mouse",
        clientX,
        clientY: box.top + 100,
        bubbles: true,
      }),
    );
  });
  render(null, root);
  return result;
}

/** The limit: a bare loop that strokes the same curves on a canvas, at 10 Hz. */
async function bare(milliseconds: number): Promise<Frames> {
  let series = curves(50, 1000);
  const canvas = document.createElement("canvas");
  canvas.width = 1200;
  canvas.height = 500;
  root.append(canvas);
  const context = canvas.getContext("2d");
  let tick = 0;
  const result = await frames(milliseconds, (now) => {
    if (context === null || now - tick < 100) return;
    tick = now;
    series = advanced(series);
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (const { y } of series) {
      context.beginPath();
      y.forEach((value, index) => context.lineTo(index * 1.2, 500 - value * 300));
      context.stroke();
    }
  });
  canvas.remove();
  return result;
}

Object.assign(globalThis, { bench: { live, bare } });
