import { duration, number } from "../../lib/format";
import type { PhaseValues } from "../../api/wire";
import type { Analysis } from "./analysis";

const PARTS: readonly [key: keyof PhaseValues, name: string][] = [
  ["compute", "Compute"],
  ["transfer", "Transfer"],
  ["waiting", "Waiting"],
  ["communication", "Communication"],
  ["other", "Other"],
];

/** What the time of the training went into, and whether it reached its goal. */
export function Shares({ analysis }: { analysis: Analysis }) {
  const { phases, goal, direction, metric, reached, trainings } = analysis;
  if (phases === undefined && goal === null) return null;
  return (
    <section class="shares" aria-labelledby="training">
      <h2 id="training">Training</h2>
      {goal !== null && trainings > 0 && (
        <p>
          {trainings === 1
            ? reached === 1
              ? "Reached"
              : "Has not reached"
            : `${reached} of ${trainings} trainings reached`}{" "}
          the goal: <code>{metric}</code> {direction === "at_least" ? "≥" : "≤"} {number(goal)}.
        </p>
      )}
      {phases !== undefined && <Bar phases={phases} />}
    </section>
  );
}

function Bar({ phases: { seconds, shares } }: { phases: NonNullable<Analysis["phases"]> }) {
  // Transfer and waiting are the parts of communication, where a program distinguishes them.
  const split = seconds.transfer !== null && seconds.waiting !== null;
  const parts = PARTS.flatMap(([key, name]) => {
    const [share, time] = [shares[key], seconds[key]];
    const left = split ? key === "communication" : key === "transfer" || key === "waiting";
    return left || share === null || time === null || share < 0.0005 ? [] : [{ key, name, share, time }];
  });
  return (
    <>
      <div class="shares-bar" aria-hidden="true">
        {parts.map(({ key, share }) => (
          <span key={key} class={key} style={{ flexGrow: share }} />
        ))}
      </div>
      <ul class="shares-legend">
        {parts.map(({ key, name, share, time }) => (
          <li key={key}>
            <span class={`swatch ${key}`} aria-hidden="true" />
            {name} <strong>{(share * 100).toFixed(share < 0.095 ? 1 : 0)} %</strong>{" "}
            <span class="shares-time">{duration(time * 1000)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
