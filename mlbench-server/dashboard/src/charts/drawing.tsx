import { h, type ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";

import { ChartButtons } from "./buttons";
import { cell } from "./csv";
import { download, fileName } from "./download";
import { headClass } from "./head_class";
import { palette } from "./palette";
import { elementOf, type Scene } from "./scene";
import { sceneSvg } from "./scene_svg";
import { Swatch } from "./swatch";
import { useWidth } from "./use_width";

/** What the numbers of a small chart are, for its table and its CSV. */
export interface Numbers {
  columns: readonly string[];
  rows: readonly (readonly string[])[];
}

/** A small chart of shapes, with legend, table and downloads. */
export function Drawing(props: {
  title: string;
  /** Says in words what the chart shows. */
  summary: string;
  scene: (width: number) => Scene;
  numbers: Numbers;
  legend?: readonly { label: string; color: number }[];
  note?: string;
  /** Further buttons. */
  extra?: ComponentChildren;
}) {
  const { title, summary, numbers, legend = [], note } = props;
  const id = useId();
  const root = useRef<HTMLDivElement>(null);
  const width = useWidth(root);
  const [table, setTable] = useState(false);
  const scene = width > 0 ? props.scene(width) : undefined;
  const saveSvg = () =>
    download(fileName(title, "svg"), "image/svg+xml", sceneSvg(props.scene(860), title, palette.peek()));
  const saveCsv = () => {
    const lines = [numbers.columns, ...numbers.rows].map((row) => row.map(cell).join(","));
    download(fileName(title, "csv"), "text/csv", `${lines.join("\r\n")}\r\n`);
  };
  return (
    <figure class="chart" aria-labelledby={`${id}-title`}>
      <div class={headClass(title)}>
        <h3 id={`${id}-title`} title={title}>
          <bdi>{title}</bdi>
        </h3>
      </div>
      <div ref={root} class="drawing">
        {scene !== undefined && (
          <svg
            role="img"
            aria-labelledby={`${id}-title ${id}-summary`}
            width={scene.width}
            height={scene.height}
            viewBox={`0 0 ${scene.width} ${scene.height}`}
          >
            {scene.shapes.map((shape, index) => {
              const { name, attributes, text, title: hint } = elementOf(shape, (ink) => `var(--${ink})`);
              return h(name, { ...attributes, key: index }, hint === "" ? null : <title>{hint}</title>, text);
            })}
          </svg>
        )}
      </div>
      {note !== undefined && <p class="drawing-note">{note}</p>}
      <div class="chart-foot">
        {legend.length > 0 && (
          <ul class="chart-legend">
            {legend.map(({ label, color }) => (
              <li key={label} class="drawing-key" title={label}>
                <Swatch color={color} />
                <span class="chart-legend-name">
                  <bdi>{label}</bdi>
                </span>
              </li>
            ))}
          </ul>
        )}
        <ChartButtons
          name={title}
          open={table}
          onTable={() => setTable(!table)}
          onSvg={saveSvg}
          onCsv={saveCsv}
        >
          {props.extra}
        </ChartButtons>
      </div>
      <p id={`${id}-summary`} class="unseen">
        {summary}
      </p>
      {table && (
        <div class="chart-table chart-table-scroll" tabIndex={0} role="region" aria-label={`${title}: table`}>
          <table>
            <caption class="unseen">{title}</caption>
            <thead>
              <tr>
                {numbers.columns.map((column) => (
                  <th scope="col" key={column}>
                    <bdi>{column}</bdi>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {numbers.rows.map((row, index) => (
                <tr key={index}>
                  {row.map((text, column) => (
                    <td key={column}>
                      <bdi>{text}</bdi>
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </figure>
  );
}
