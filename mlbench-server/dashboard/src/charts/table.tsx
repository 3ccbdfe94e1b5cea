import { useMemo, useState } from "preact/hooks";

import { rowPositions, rowsOf } from "./rows";
import type { ChartSeries, Unit } from "./series";
import { valueText } from "./texts";

const PAGE = 25;

/** What the table behind a chart needs. */
export interface TableProps {
  title: string;
  series: readonly ChartSeries[];
  xName: string;
  xText: (x: number) => string;
  unit: Unit;
}

/** The points of a chart as a table, page by page. */
export function Table({ title, series, xName, xText, unit }: TableProps) {
  const positions = useMemo(() => rowPositions(series), [series]);
  const [page, setPage] = useState(0);
  const pages = Math.max(1, Math.ceil(positions.length / PAGE));
  const shown = Math.min(page, pages - 1);
  const from = shown * PAGE;
  const rows = rowsOf(series, positions.subarray(from, from + PAGE));
  return (
    <div class="chart-table">
      <div class="chart-table-scroll" tabIndex={0} role="region" aria-label={`${title}: table`}>
        <table>
          <caption class="unseen">{title}</caption>
          <thead>
            <tr>
              <th scope="col">{xName}</th>
              {series.map((curve) => (
                <th scope="col" key={curve.key}>
                  <bdi>{curve.label}</bdi>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ x, points }) => (
              <tr key={x}>
                <th scope="row">{xText(x)}</th>
                {series.map((curve, index) => (
                  <td key={curve.key}>{cellText(curve, points[index] ?? -1, unit)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="chart-table-pages">
        <button type="button" disabled={shown === 0} onClick={() => setPage(shown - 1)}>
          Previous
        </button>
        <span>
          Rows {positions.length === 0 ? 0 : from + 1} to {Math.min(from + PAGE, positions.length)} of{" "}
          {positions.length}
        </span>
        <button type="button" disabled={shown === pages - 1} onClick={() => setPage(shown + 1)}>
          Next
        </button>
      </div>
    </div>
  );
}

function cellText({ y, low, high }: ChartSeries, point: number, unit: Unit): string {
  const value = y[point];
  if (value === undefined) return "";
  const text = valueText(value, unit, 6);
  const least = low?.[point] ?? value;
  const most = high?.[point] ?? value;
  return least === most || Number.isNaN(value)
    ? text
    : `${text} [${valueText(least, unit)} … ${valueText(most, unit)}]`;
}
