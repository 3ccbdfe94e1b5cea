import type { Pod, Run } from "../../api/wire";
import { Chart } from "../../charts/chart";
import type { ChartGroup } from "../../charts/group";
import type { Unit } from "../../charts/series";
import { WhenVisible } from "../../charts/visible";
import { routePath } from "../../lib/route";
import { pointsOf, useCatalog, usePoints } from "../../live/use-points";
import { PhaseBadge } from "../../parts/badge";
import { Link } from "../../parts/link";
import { Cut } from "../../parts/text";
import { CARD_METRICS, CARDS, cardCurves } from "./usage";
import { recent, WINDOW } from "./window";

const UNITS: readonly Unit[] = ["cores", "bytes", "bytes/s"];
const COLORS = [0, 2, 4];
const HEIGHT = 104;

/** A worker with what it does and uses now. */
export function Card({ pod, run, group }: { pod: Pod; run: Run | undefined; group: ChartGroup }) {
  return (
    <li class="worker">
      <div class="worker-head">
        <h2>
          <Link to={routePath({ page: "worker", pod: pod.name })}>{pod.name}</Link>
        </h2>
        <PhaseBadge phase={pod.phase} />
      </div>
      <p class="worker-facts">
        <span>{pod.ip === "" ? "No address yet" : pod.ip}</span>
        <Assignment run={run} />
      </p>
      <WhenVisible height={3 * (HEIGHT + 34)}>{() => <Usage pod={pod.name} group={group} />}</WhenVisible>
    </li>
  );
}

/** The run that a worker works for. */
export function Assignment({ run }: { run: Run | undefined }) {
  if (run === undefined) return <span>Idle</span>;
  return (
    <span class="worker-run">
      Works for{" "}
      <Link to={routePath({ page: "run", id: run.id })}>
        <Cut text={`run ${run.id}: ${run.name}`} />
      </Link>
    </span>
  );
}

function Usage({ pod, group }: { pod: string; group: ChartGroup }) {
  const store = pointsOf({ pod }, WINDOW);
  const known = useCatalog(store) !== undefined;
  const points = usePoints(store, CARD_METRICS);
  const waits = !known || [...points.values()].some(({ ready }) => !ready);
  return (
    <>
      {CARDS.map(({ title, metrics }, index) => {
        const series = cardCurves(metrics, points, COLORS[index] ?? 0);
        if (!waits && series.length === 0 && title === "Network") {
          return (
            <p key={title} class="worker-missing">
              Network: not measured here.
            </p>
          );
        }
        return (
          <Chart
            key={title}
            compact
            title={title}
            name={`${title} of ${pod}`}
            series={series}
            axis="wall"
            whole={recent(series)}
            group={group}
            unit={UNITS[index] ?? "number"}
            height={HEIGHT}
            floor={0}
            loading={waits}
            empty="No measurements in the last 30 minutes."
          />
        );
      })}
    </>
  );
}
