import { useId } from "preact/hooks";

import type { Scale, XAxis } from "./series";
import { durationText, numberText } from "./texts";
import { type ChartView, halfLives } from "./view";

const AXIS_NAMES: Record<XAxis, string> = {
  step: "Step",
  epoch: "Epoch",
  relative: "Relative time",
  wall: "Wall time",
  training: "Training time",
};

const SCALE_NAMES: Record<Scale, string> = { linear: "Linear", log10: "Log", log2: "Log 2" };

/** What the controls of the charts of a page need. */
export interface ChartControlsProps {
  view: ChartView;
  /** The x axes that the data has. */
  axes: readonly XAxis[];
  scales?: readonly Scale[];
  onChange: (view: ChartView) => void;
}

/** Chooses x axis, y axis and smoothing for all charts of a page. */
export function ChartControls({ view, axes, scales = ["linear", "log10"], onChange }: ChartControlsProps) {
  const id = useId();
  const lives = halfLives(view.axis);
  const choices = lives.includes(view.halfLife) ? lives : [...lives, view.halfLife].sort((a, b) => a - b);
  const chooseAxis = (axis: XAxis) =>
    // A part of one axis and a half-life in its unit mean nothing on another.
    onChange({ ...view, axis, zoom: null, halfLife: sameUnit(axis, view.axis) ? view.halfLife : 0 });
  return (
    <div class="chart-controls" role="group" aria-label="Charts">
      <Choice
        id={`${id}-x`}
        name="X axis"
        value={view.axis}
        values={axes}
        text={(axis) => AXIS_NAMES[axis]}
        onChoose={chooseAxis}
      />
      <Choice
        id={`${id}-y`}
        name="Y axis"
        value={view.scale}
        values={scales}
        text={(scale) => SCALE_NAMES[scale]}
        onChoose={(scale) => onChange({ ...view, scale })}
      />
      <Choice
        id={`${id}-s`}
        name="Smoothing"
        value={view.halfLife}
        values={choices}
        text={(halfLife) => halfLifeText(halfLife, view.axis)}
        onChoose={(halfLife) => onChange({ ...view, halfLife })}
      />
    </div>
  );
}

function sameUnit(a: XAxis, b: XAxis): boolean {
  const unit = (axis: XAxis) => (axis === "step" || axis === "epoch" ? axis : "time");
  return unit(a) === unit(b);
}

function halfLifeText(halfLife: number, axis: XAxis): string {
  if (halfLife === 0) return "None";
  if (axis === "step") return `${numberText(halfLife)} steps`;
  if (axis === "epoch") return `${numberText(halfLife)} ${halfLife === 1 ? "epoch" : "epochs"}`;
  return durationText(halfLife);
}

/** A small labelled select. */
export function Choice<T extends string | number>(props: {
  id: string;
  name: string;
  value: T;
  values: readonly T[];
  text: (value: T) => string;
  onChoose: (value: T) => void;
}) {
  const { id, name, value, values, text, onChoose } = props;
  return (
    <span class="chart-choice">
      <label for={id}>{name}</label>
      <select
        id={id}
        value={String(value)}
        onChange={(event) => {
          const chosen = values.find((candidate) => String(candidate) === event.currentTarget.value);
          if (chosen !== undefined) onChoose(chosen);
        }}
      >
        {values.map((candidate) => (
          <option key={candidate} value={String(candidate)}>
            {text(candidate)}
          </option>
        ))}
      </select>
    </span>
  );
}
