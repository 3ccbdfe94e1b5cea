import type { Range, Scale, XAxis } from "./series";

/** How the charts of a page show their curves; a link holds it. */
export interface ChartView {
  axis: XAxis;
  scale: Scale;
  /** Half-life of the smoothing in units of x; 0 is none. */
  halfLife: number;
  zoom: Range | null;
}

const AXES: readonly XAxis[] = ["step", "epoch", "relative", "wall", "training"];
const SCALES: readonly Scale[] = ["linear", "log10", "log2"];

/** Reads a view from the query of an address; what is missing or wrong is as in `usual`. */
export function readView(query: URLSearchParams, usual: ChartView): ChartView {
  const axis = AXES.find((axis) => axis === query.get("x")) ?? usual.axis;
  const scale = SCALES.find((scale) => scale === query.get("y")) ?? usual.scale;
  const halfLife = Number(query.get("smooth") ?? usual.halfLife);
  const [from = NaN, to = NaN] = (query.get("zoom") ?? "")
    .split("~")
    .map((part) => (part === "" ? NaN : Number(part)));
  return {
    axis,
    scale,
    halfLife: halfLife >= 0 && Number.isFinite(halfLife) ? halfLife : usual.halfLife,
    zoom: from < to && Number.isFinite(to - from) ? [from, to] : usual.zoom,
  };
}

/**
 * Returns the parameters of a view for the query of an address; null for what is as usual.
 *
 * A zoom and a half-life are in units of x, so an address with one of them names the axis too: what is usual may be
 * another axis when somebody opens the link.
 */
export function writeView(view: ChartView, usual: ChartView): Record<string, string | null> {
  const inUnits = view.zoom !== null || view.halfLife > 0;
  return {
    x: view.axis === usual.axis && !inUnits ? null : view.axis,
    y: view.scale === usual.scale ? null : view.scale,
    smooth: view.halfLife === usual.halfLife ? null : String(view.halfLife),
    zoom: zoomText(view.zoom),
  };
}

/** Returns a part of an axis as the query of an address has it. */
export function zoomText(zoom: Range | null): string | null {
  return zoom === null ? null : zoom.map((end) => String(Number(end.toPrecision(13)))).join("~");
}

/** Returns the half-lives to choose from, in units of an x axis. */
export function halfLives(axis: XAxis): readonly number[] {
  switch (axis) {
    case "step":
      return [0, 3, 10, 30, 100, 300, 1000, 3000, 10_000];
    case "epoch":
      return [0, 0.1, 0.3, 1, 3, 10];
    default:
      return [0, 1, 3, 10, 30, 60, 300, 1800];
  }
}
