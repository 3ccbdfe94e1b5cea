import { useId, useMemo, useState } from "preact/hooks";

import type { SeriesInfo } from "../../api/metrics";
import type { Run } from "../../api/wire";
import { Chart } from "../../charts/chart";
import { Choice } from "../../charts/controls";
import { curvesOf } from "../../charts/curve";
import type { ChartGroup } from "../../charts/group";
import { useChartGroup } from "../../charts/use_group";
import { WhenVisible } from "../../charts/visible";
import { query, setQuery } from "../../lib/navigation";
import { routePath } from "../../lib/route";
import { useTitle } from "../../lib/title";
import { usePods } from "../../live/pods";
import type { PointsStore } from "../../live/points";
import { useRuns } from "../../live/runs";
import { pointsOf, useCatalog, usePoints } from "../../live/use-points";
import { PhaseBadge, StateBadge } from "../../parts/badge";
import { Link } from "../../parts/link";
import { Empty, Loading } from "../../parts/message";
import { Assignment } from "./card";
import { labelsOf, runOf, usageOf } from "./usage";
import { recent, WINDOW } from "./window";

/** How far back the charts go: the last 30 minutes, six hours, or everything. */
const SPANS = ["30 minutes", "6 hours", "All"] as const;
type Span = (typeof SPANS)[number];
const SECONDS: Record<Span, number | undefined> = { "30 minutes": WINDOW, "6 hours": 21_600, All: undefined };

/** How many runs of the pod are listed. */
const RUNS = 10;

/** One worker pod with all its metrics. */
export function WorkerPage({ pod }: { pod: string }) {
  useTitle(pod);
  const id = useId();
  const { pods, ready } = usePods();
  const { runs } = useRuns();
  const span = SPANS.find((name) => name === query.value.get("span")) ?? "30 minutes";
  const store = pointsOf({ pod }, SECONDS[span]);
  const catalog = useCatalog(store);
  const group = useChartGroup();
  const found = pods.find(({ name }) => name === pod);
  const gone = ready && found === undefined;
  return (
    <>
      <div class="worker-title">
        <h1>
          <bdi>{pod}</bdi>
        </h1>
        {found !== undefined && <PhaseBadge phase={found.phase} />}
      </div>
      {found !== undefined && (
        <dl class="worker-about">
          <div>
            <dt>Address</dt>
            <dd>{found.ip === "" ? "None yet" : found.ip}</dd>
          </div>
          <div>
            <dt>Run</dt>
            <dd>
              <Assignment run={runOf(pod, runs)} />
            </dd>
          </div>
          <div>
            <dt>Labels</dt>
            <dd>
              {labelsOf(found.labels).map(([name, value]) => (
                <code key={name} class="worker-label">
                  {name}={value}
                </code>
              ))}
            </dd>
          </div>
        </dl>
      )}
      {gone && catalog?.length !== 0 && (
        <p class="worker-gone">This pod has left the cluster; its metrics remain.</p>
      )}
      <section>
        <div class="worker-title">
          <h2>Metrics</h2>
          <Choice
            id={id}
            name="Time"
            value={span}
            values={SPANS}
            text={(name) => name}
            onChoose={(name) => {
              // A part of one time is not a part of another.
              group.zoom.value = null;
              setQuery({ span: name === "30 minutes" ? null : name });
            }}
          />
        </div>
        {catalog === undefined && <Loading what="the metrics" />}
        {catalog?.length === 0 && (
          <Empty title={gone ? "No such pod" : "No metrics yet"}>
            <p>
              {gone
                ? "No pod of this name is in the cluster, and none has stored metrics. "
                : "The first come within seconds. "}
              <Link to="">Show all workers</Link>
            </p>
          </Empty>
        )}
        <div class="chart-grid">
          {(catalog ?? []).map((info) => (
            <WhenVisible key={info.name} height={320}>
              {() => <Metric store={store} info={info} group={group} short={span === "30 minutes"} />}
            </WhenVisible>
          ))}
        </div>
      </section>
      <PodRuns
        runs={runs
          .filter((run) => run.imported_from === undefined && run.job_metadata.pods.includes(pod))
          .slice(-RUNS)
          .reverse()}
      />
    </>
  );
}

/** The chart of a metric; counters by how fast they grow. */
function Metric(props: { store: PointsStore; info: SeriesInfo; group: ChartGroup; short: boolean }) {
  const { store, info, group, short } = props;
  const { name } = info;
  const view = usePoints(store, [name]).get(name);
  const [plain, setPlain] = useState(false);
  const identity = { key: name, label: name, color: 0 };
  const { series, unit, rate } = useMemo(() => {
    if (view === undefined) return { series: [], unit: "number" as const, rate: false };
    const usage = usageOf(name, view);
    const curves =
      usage.rate && !plain
        ? [{ ...identity, x: usage.x, y: usage.y }]
        : curvesOf(view, { axis: "wall", start: 0 }, identity);
    return {
      series: curves,
      unit: usage.rate && plain ? ("number" as const) : usage.unit,
      rate: usage.rate,
    };
    // The identity is made of the name.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [view, name, plain]);
  return (
    <Chart
      title={rate && !plain ? `${name} per second` : name}
      series={series}
      axis="wall"
      group={group}
      unit={unit}
      floor={0}
      loading={view?.ready !== true}
      empty="No points in this time."
      {...(short && { whole: recent(series) })}
      extra={
        rate && (
          <button type="button" aria-pressed={plain} onClick={() => setPlain(!plain)}>
            Total
          </button>
        )
      }
    />
  );
}

function PodRuns({ runs }: { runs: readonly Run[] }) {
  if (runs.length === 0) return null;
  return (
    <section>
      <h2 class="worker-runs-title">Runs on this worker</h2>
      <ul class="worker-runs">
        {runs.map((run) => (
          <li key={run.id}>
            <StateBadge run={run} />
            <Link to={routePath({ page: "run", id: run.id })}>
              <bdi>
                Run {run.id}: {run.name}
              </bdi>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
