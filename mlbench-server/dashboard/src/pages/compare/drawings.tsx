import { useState } from "preact/hooks";

import type { Comparison } from "../../api/wire";
import { barsScene } from "../../charts/bars";
import { Drawing } from "../../charts/drawing";
import { scatterScene, type Scatter } from "../../charts/scatter";
import { plural } from "../../lib/format";
import { bandwidthsOf, phasesOf, speedUpsOf, timesOf } from "./results";
import { goalText } from "./summary";

const HEIGHT = 300;

/** The charts of what the server computed. */
export function Drawings({ comparison }: { comparison: Comparison }) {
  const times = timesOf(comparison);
  const speedUps = speedUpsOf(comparison);
  const phases = phasesOf(comparison);
  const bandwidths = bandwidthsOf(comparison);
  const hollow = comparison.groups.some(({ oversubscribed }) => oversubscribed === true)
    ? " Hollow points need more cores than the machine has."
    : "";
  const [inSeconds, setInSeconds] = useState(false);
  const measured = times.scatter.groups.some(({ dots }) => dots.length > 0);
  return (
    <div class="chart-grid drawings">
      {comparison.goal !== null && measured && (
        <Drawing
          title={`Time to accuracy: ${goalText(comparison)}`}
          summary={`Time to accuracy by workers, with ${plural(times.numbers.rows.length, "training")}.`}
          scene={(width) => scatterScene(times.scatter, width, HEIGHT)}
          numbers={times.numbers}
          legend={legendOf(times.scatter)}
          note={`Each training is a dot, or a cross at the top where it did not reach the goal; the large point is the median, with its interval.${hollow}`}
        />
      )}
      {speedUps !== undefined && (
        <Drawing
          title="Speed-up and efficiency"
          summary="Speed-up by workers on logarithmic axes, with the efficiency beside each point."
          scene={(width) => scatterScene(speedUps.scatter, width, HEIGHT)}
          numbers={speedUps.numbers}
          legend={legendOf(speedUps.scatter)}
          note={`The percentage is the efficiency: speed-up by the ratio of workers.${hollow}`}
        />
      )}
      {phases.bars.length > 0 && (
        <Drawing
          title="Time of the phases"
          summary={
            inSeconds
              ? "Seconds of the phases in the training of each group."
              : "Shares of the phases in the training time of each group."
          }
          scene={(width) => barsScene(phases.bars, width, inSeconds)}
          extra={
            <button type="button" aria-pressed={inSeconds} onClick={() => setInSeconds(!inSeconds)}>
              Seconds
            </button>
          }
          numbers={phases.numbers}
          legend={phases.legend}
          note="The text at the end is the time of all steps, the mean of the runs; the table has the seconds of each phase."
        />
      )}
      {bandwidths !== undefined && (
        <Drawing
          title="Bus bandwidth of an all-reduce in GB/s"
          summary="Bus bandwidth by the length of the vector."
          scene={(width) => scatterScene(bandwidths.scatter, width, HEIGHT)}
          numbers={bandwidths.numbers}
          legend={legendOf(bandwidths.scatter)}
        />
      )}
    </div>
  );
}

function legendOf({ groups }: Scatter): { label: string; color: number }[] {
  return groups.length < 2 ? [] : groups.map(({ label, color }) => ({ label, color }));
}
