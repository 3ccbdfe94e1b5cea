/** A colour by its meaning: a token of the style sheet, or a curve of the palette. */
export type Ink = "text" | "text-2" | "line" | "line-strong" | "surface" | `curve-${number}`;

/** A shape of a small chart, in pixels. */
export type Shape =
  | {
      is: "line";
      points: readonly (readonly [number, number])[];
      ink: Ink;
      width?: number;
      dash?: readonly number[];
    }
  | { is: "circle"; x: number; y: number; radius: number; ink: Ink; hollow?: boolean; title?: string }
  | { is: "rect"; x: number; y: number; width: number; height: number; ink: Ink; title?: string }
  | {
      is: "text";
      x: number;
      y: number;
      text: string;
      ink: Ink;
      anchor?: "start" | "middle" | "end";
      bold?: boolean;
    };

/** A small chart as shapes: the page shows them, and a download has them too. */
export interface Scene {
  width: number;
  height: number;
  shapes: readonly Shape[];
}

/** Returns the name and the attributes of the element that draws a shape; `color` turns an ink into a colour. */
export function elementOf(
  shape: Shape,
  color: (ink: Ink) => string,
): { name: string; attributes: Record<string, string | number>; text: string; title: string } {
  switch (shape.is) {
    case "line":
      return {
        name: "polyline",
        attributes: {
          points: shape.points.map(([x, y]) => `${round(x)},${round(y)}`).join(" "),
          fill: "none",
          stroke: color(shape.ink),
          "stroke-width": shape.width ?? 1,
          ...(shape.dash !== undefined && { "stroke-dasharray": shape.dash.join(" ") }),
        },
        text: "",
        title: "",
      };
    case "circle":
      return {
        name: "circle",
        attributes: {
          cx: round(shape.x),
          cy: round(shape.y),
          r: shape.radius,
          fill: shape.hollow === true ? color("surface") : color(shape.ink),
          stroke: color(shape.ink),
          "stroke-width": 1.5,
        },
        text: "",
        title: shape.title ?? "",
      };
    case "rect":
      return {
        name: "rect",
        attributes: {
          x: round(shape.x),
          y: round(shape.y),
          width: round(Math.max(0, shape.width)),
          height: round(Math.max(0, shape.height)),
          fill: color(shape.ink),
        },
        text: "",
        title: shape.title ?? "",
      };
    case "text":
      return {
        name: "text",
        attributes: {
          x: round(shape.x),
          y: round(shape.y),
          fill: color(shape.ink),
          "text-anchor": shape.anchor ?? "start",
          ...(shape.bold === true && { "font-weight": 600 }),
        },
        text: shape.text,
        title: "",
      };
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
