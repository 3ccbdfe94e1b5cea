import type { Comparison, Run } from "../../api/wire";
import { Chart } from "../../charts/chart";
import { curveOf } from "../../charts/curve";
import type { ChartGroup } from "../../charts/group";
import { noAxisText } from "../../charts/no_axis";
import type { ChartView } from "../../charts/view";
import { splitName } from "../../lib/metric-name";
import { goalCurve, trainingClock, type SharedMetric } from "./metrics";
import { useRunsDetail } from "./use-detail";
import { useSeries } from "./use-series";

/** What the charts of a comparison share. */
export interface Shared {
  view: ChartView;
  group: ChartGroup;
  colors: ReadonlyMap<number, number>;
  runs: ReadonlyMap<number, Run>;
  /** The zero of relative times of each run, in seconds since 1970. */
  starts: ReadonlyMap<number, number>;
  /** The metrics that tell the training time of each run. */
  clocks: ReadonlyMap<number, readonly string[]>;
  comparison: Comparison | undefined;
}

/** The chart of a metric with a curve for each run. */
export function MetricChart({ metric, shared }: { metric: SharedMetric; shared: Shared }) {
  const { view, group, colors, runs, starts, clocks, comparison } = shared;
  const byTraining = view.axis === "training";
  const wanted = [...metric.names].map(
    ([run, name]) => [run, byTraining ? [name, ...(clocks.get(run) ?? [])] : [name]] as const,
  );
  const series = useSeries(new Map(wanted));
  const coarse = [...metric.names].flatMap(([run, name]) =>
    series.get(run)?.get(name)?.bucketed === true
      ? [{ run, name, zero: view.axis === "relative" ? (starts.get(run) ?? 0) : 0 }]
      : [],
  );
  const [detail, onZoom] = useRunsDetail(coarse, view.axis);
  const curves = [...metric.names].flatMap(([run, name]) => {
    const points = series.get(run);
    const found = detail.get(run)?.get(name) ?? points?.get(name);
    if (points === undefined || found === undefined) return [];
    const label = `#${run} ${runs.get(run)?.name ?? ""}`.trim();
    const identity = { key: String(run), label, color: colors.get(run) ?? 0 };
    if (!byTraining) return [curveOf(found, view.axis, starts.get(run) ?? 0, identity)];
    const clock = trainingClock((clocks.get(run) ?? []).flatMap((clockName) => points.get(clockName) ?? []));
    if (clock === undefined) return [];
    return [curveOf({ ...found, time: found.time.map(clock) }, "training", 0, identity)];
  });
  const goal = comparison?.goal ?? null;
  const isCompared = comparison !== undefined && splitName(comparison.metric).metric === metric.title;
  const line = isCompared && goal !== null ? goalCurve(goal, "Goal", curves) : undefined;
  const loading =
    series.size === 0 || [...series.values()].some((all) => [...all.values()].some(({ ready }) => !ready));
  return (
    <Chart
      title={metric.title}
      series={line === undefined ? curves : [...curves, line]}
      axis={view.axis}
      scale={view.scale}
      halfLife={view.halfLife}
      group={group}
      loading={loading}
      empty={noAxisText(view.axis, coarse.length > 0)}
      onZoom={onZoom}
    />
  );
}
