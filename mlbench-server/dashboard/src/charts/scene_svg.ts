import type { Palette } from "./palette";
import { elementOf, type Ink, type Scene } from "./scene";
import { element, escape } from "./xml";

const HEAD = 40;

/** Returns a small chart as an SVG document. */
export function sceneSvg(scene: Scene, title: string, palette: Palette): string {
  const color = (ink: Ink) => inkColor(ink, palette);
  const shapes = scene.shapes.map((shape) => {
    const { name, attributes, text, title } = elementOf(shape, color);
    return element(
      name,
      attributes,
      (title === "" ? "" : element("title", {}, escape(title))) + escape(text),
    );
  });
  const { width } = scene;
  const height = scene.height + HEAD;
  const body = [
    element("title", {}, escape(title)),
    element("rect", { width, height, fill: palette.surface }),
    element("text", { x: 12, y: 26, "font-size": 16, "font-weight": 600, fill: palette.text }, escape(title)),
    element("g", { transform: `translate(0 ${HEAD})` }, shapes.join("\n")),
  ];
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    "font-family": "system-ui, sans-serif",
    "font-size": 12,
  };
  return element("svg", attributes, body.join("\n"));
}

function inkColor(ink: Ink, palette: Palette): string {
  switch (ink) {
    case "text":
      return palette.text;
    case "text-2":
    case "line-strong":
      return palette.muted;
    case "line":
      return palette.line;
    case "surface":
      return palette.surface;
    default:
      return palette.curves[Number(ink.slice(6)) % 8] ?? palette.text;
  }
}
