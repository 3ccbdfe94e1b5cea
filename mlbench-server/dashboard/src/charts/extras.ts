import { csv } from "./csv";
import { download, fileName } from "./download";
import type { Model } from "./model";
import type { Palette } from "./palette";
import type { ChartSeries, XAxis } from "./series";
import { svg } from "./svg";

export { Table } from "./table";

/** Saves the points of a chart as CSV. */
export function saveCsv(name: string, series: readonly ChartSeries[], xName: string, axis: XAxis): void {
  const text = axis === "wall" ? (x: number) => new Date(x * 1000).toISOString() : String;
  download(fileName(name, "csv"), "text/csv", csv(series, xName, text));
}

/** Saves a chart as the page shows it. */
export function saveSvg(name: string, model: Model, colors: Palette, note: string): void {
  download(fileName(name, "svg"), "image/svg+xml", svg(model, name, colors, note));
}
