import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";

import { differing } from "./legend";
import type { ChartSeries } from "./series";
import { Swatch } from "./swatch";

/** What the legend of a chart needs. */
export interface LegendProps {
  series: readonly ChartSeries[];
  hidden: ReadonlySet<string>;
  /** Returns the text beside the name of a curve; it follows the crosshair. */
  value: ReadonlySignal<(curve: ChartSeries) => string>;
  onHide: (hidden: ReadonlySet<string>) => void;
  onFocus: (key: string | null) => void;
}

/** Names the curves: a click shows one alone, with Shift it hides or shows one. */
export function Legend({ series, hidden, value, onHide, onFocus }: LegendProps) {
  const names = series.map(({ label }) => label).join("\n");
  const labels = useMemo(() => differing(names.split("\n")), [names]);
  const choose = (key: string, one: boolean) => {
    const others = series.map((curve) => curve.key).filter((other) => other !== key);
    if (one) {
      const next = new Set(hidden);
      if (!next.delete(key)) next.add(key);
      onHide(next.size < series.length ? next : new Set());
      return;
    }
    const alone = !hidden.has(key) && others.every((other) => hidden.has(other));
    onHide(alone ? new Set() : new Set(others));
  };
  return (
    <ul class="chart-legend" aria-label="Curves">
      {series.map((curve, index) => (
        <li key={curve.key}>
          <button
            type="button"
            aria-pressed={!hidden.has(curve.key)}
            title={`${curve.label}${curve.note === undefined ? "" : `, ${curve.note}`}\nClick: only this curve. Shift and click: hide or show it.`}
            disabled={series.length === 1}
            onClick={(event) => choose(curve.key, event.shiftKey)}
            onPointerEnter={() => onFocus(curve.key)}
            onPointerLeave={() => onFocus(null)}
            onFocus={() => onFocus(curve.key)}
            onBlur={() => onFocus(null)}
          >
            <Swatch color={curve.color} />
            <span class="chart-legend-name">
              <bdi>{labels[index]}</bdi>
              {curve.note !== undefined && <span class="chart-legend-note"> {curve.note}</span>}
            </span>
            <Value curve={curve} value={value} />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** A text that follows the crosshair without a new legend. */
function Value({ curve, value }: { curve: ChartSeries; value: LegendProps["value"] }) {
  const text = value.value(curve);
  return <span class="chart-legend-value">{text}</span>;
}
