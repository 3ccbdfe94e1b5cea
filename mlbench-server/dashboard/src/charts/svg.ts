import { differing } from "./legend";
import { dashOf, type Model, verticalOf, xTicks, yTicks } from "./model";
import type { Palette } from "./palette";
import { axisName } from "./texts";
import { type Pen, traceBand, traceLine } from "./trace";
import { element, escape } from "./xml";

/** The size of the picture, without its legend. */
const WIDTH = 960;
const HEIGHT = 480;
const LEFT = 84;
const TOP = 48;
const RIGHT = WIDTH - 24;
const BOTTOM = HEIGHT - 52;

/** Returns a chart as an SVG document: the curves, bands, axes and legend that the page shows. */
export function svg(model: Model, title: string, palette: Palette, note: string): string {
  const toY = verticalOf(model, TOP, BOTTOM);
  const projection = { view: model.view, left: LEFT, right: RIGHT, toY };
  const bands: string[] = [];
  const raws: string[] = [];
  const lines: string[] = [];
  model.series.forEach((curve, index) => {
    const color = palette.curves[curve.color % 8] ?? palette.text;
    const values = model.lines[index] ?? curve.y;
    if (curve.low !== undefined && curve.high !== undefined) {
      const pen = new TextPen();
      traceBand(pen, curve.x, curve.low, curve.high, projection, BOTTOM + 2);
      bands.push(element("path", { d: pen.text, fill: color, "fill-opacity": "0.22" }));
    }
    if (values !== curve.y) raws.push(line(curve.x, curve.y, color, { "stroke-opacity": "0.3" }));
    const dash = dashOf(curve.color);
    lines.push(
      line(curve.x, values, color, {
        "stroke-width": "1.75",
        ...(dash.length > 0 && { "stroke-dasharray": dash.join(" ") }),
      }),
    );
  });

  function line(x: Float64Array, y: Float64Array, color: string, more: Record<string, string>): string {
    const pen = new TextPen();
    traceLine(pen, x, y, projection);
    return element("path", { d: pen.text, fill: "none", stroke: color, "stroke-linejoin": "round", ...more });
  }

  const legend = legendOf(model, palette);
  const height = HEIGHT + legend.height + (note === "" ? 0 : 24);
  const body = [
    element("title", {}, escape(title)),
    element("rect", { width: String(WIDTH), height: String(height), fill: palette.surface }),
    text(LEFT, 28, title, { "font-size": "17", "font-weight": "600", fill: palette.text }),
    ...axes(model, palette),
    element("clipPath", { id: "plot" }, plotRect({})),
    element("g", { "clip-path": "url(#plot)" }, [...bands, ...raws, ...lines].join("")),
    legend.text,
    note === "" ? "" : text(LEFT, height - 14, note, { fill: palette.muted }),
  ];
  return element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      width: String(WIDTH),
      height: String(height),
      viewBox: `0 0 ${WIDTH} ${height}`,
      "font-family": "system-ui, sans-serif",
      "font-size": "12",
    },
    body.join("\n"),
  );
}

function axes(model: Model, palette: Palette): string[] {
  const parts: string[] = [];
  for (const { at, text: label } of yTicks(model, BOTTOM - TOP)) {
    const y = BOTTOM - at * (BOTTOM - TOP);
    parts.push(rule(LEFT, y, RIGHT, y, palette.line));
    parts.push(text(LEFT - 8, y + 4, label, { "text-anchor": "end", fill: palette.muted }));
  }
  for (const { at, text: label } of xTicks(model, RIGHT - LEFT)) {
    const x = LEFT + at * (RIGHT - LEFT);
    parts.push(rule(x, BOTTOM, x, BOTTOM + 5, palette.muted));
    parts.push(text(x, BOTTOM + 20, label, { "text-anchor": "middle", fill: palette.muted }));
  }
  parts.push(rule(LEFT, BOTTOM, RIGHT, BOTTOM, palette.muted));
  const middle = (LEFT + RIGHT) / 2;
  const name = axisName(model.axis, model.offset);
  parts.push(text(middle, BOTTOM + 40, name, { "text-anchor": "middle", fill: palette.muted }));
  return parts;
}

function legendOf(model: Model, palette: Palette): { text: string; height: number } {
  const columns = 3;
  const column = (RIGHT - LEFT) / columns;
  const labels = differing(model.series.map(({ label }) => label));
  const parts = model.series.map((curve, index) => {
    const x = LEFT + (index % columns) * column;
    const y = HEIGHT + 10 + Math.floor(index / columns) * 20;
    const color = palette.curves[curve.color % 8] ?? palette.text;
    const dash = dashOf(curve.color);
    const label = labels[index] ?? curve.label;
    const short = label.length > 40 ? `${label.slice(0, 39)}…` : label;
    return (
      rule(x, y - 4, x + 22, y - 4, color, {
        "stroke-width": "2",
        ...(dash.length > 0 && { "stroke-dasharray": dash.join(" ") }),
      }) +
      element(
        "g",
        {},
        element("title", {}, escape(curve.label)) + text(x + 30, y, short, { fill: palette.text }),
      )
    );
  });
  return { text: parts.join("\n"), height: Math.ceil(model.series.length / columns) * 20 + 8 };
}

/** Writes a path as text, with a tenth of a pixel. */
class TextPen implements Pen {
  text = "";

  moveTo(x: number, y: number): void {
    this.text += `M${round(x)} ${round(y)}`;
  }

  lineTo(x: number, y: number): void {
    this.text += `L${round(x)} ${round(y)}`;
  }

  closePath(): void {
    this.text += "Z";
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function plotRect(more: Record<string, string>): string {
  const size = { width: String(RIGHT - LEFT), height: String(BOTTOM - TOP + 2) };
  return element("rect", { x: String(LEFT), y: String(TOP - 1), ...size, ...more });
}

function rule(
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  stroke: string,
  more: Record<string, string> = {},
) {
  const ends = { x1: String(round(x1)), y1: String(round(y1)), x2: String(round(x2)), y2: String(round(y2)) };
  return element("line", { ...ends, stroke, ...more });
}

function text(x: number, y: number, content: string, more: Record<string, string>): string {
  return element("text", { x: String(round(x)), y: String(round(y)), ...more }, escape(content));
}
