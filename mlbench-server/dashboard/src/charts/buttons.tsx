import type { ComponentChildren } from "preact";

/** The buttons of a chart: its table and its downloads, after further ones. */
export function ChartButtons(props: {
  /** The name of the chart. */
  name: string;
  /** Whether the table is open. */
  open: boolean;
  onTable: () => void;
  onSvg: () => void;
  onCsv: () => void;
  children?: ComponentChildren;
}) {
  const { name } = props;
  return (
    <div class="chart-buttons">
      {props.children}
      <button
        type="button"
        aria-expanded={props.open}
        aria-label={`Table of ${name}`}
        onClick={props.onTable}
      >
        Table
      </button>
      <button type="button" aria-label={`Download ${name} as SVG`} onClick={props.onSvg}>
        SVG
      </button>
      <button type="button" aria-label={`Download ${name} as CSV`} onClick={props.onCsv}>
        CSV
      </button>
    </div>
  );
}
