import type { Comparison, Run } from "../../api/wire";
import { Chart } from "../../charts/chart";
import { trainingClock } from "../../charts/clock";
import { curvesOf, timesIn, type Placing } from "../../charts/curve";
import type { ChartGroup } from "../../charts/group";
import { noAxisText } from "../../charts/no_axis";
import type { ChartView } from "../../charts/view";
import { splitName } from "../../lib/metric-name";
import { goalCurve, type SharedMetric } from "./metrics";
import { groupsWith, noteOf, withMedians, type Repeats } from "./repeats";
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
  /** The metrics that tell the training time of each run; none where one of the runs reports no such metrics. */
  clocks: ReadonlyMap<number, readonly string[]>;
  comparison: Comparison | undefined;
  repeats: Repeats;
}

/** The chart of a metric with a curve for each run. */
export function MetricChart({ metric, shared }: { metric: SharedMetric; shared: Shared }) {
  const { view, group, colors, runs, starts, clocks, comparison } = shared;
  const byTraining = view.axis === "training";
  const wanted = [...metric.names].map(
    ([run, name]) => [run, byTraining ? [name, ...(clocks.get(run) ?? [])] : [name]] as const,
  );
  const series = useSeries(new Map(wanted));
  const placings = new Map<number, Placing>();
  for (const [run, points] of series) {
    const clock = byTraining
      ? trainingClock((clocks.get(run) ?? []).flatMap((name) => points.get(name) ?? []))
      : undefined;
    placings.set(run, { axis: view.axis, start: starts.get(run) ?? 0, clock });
  }
  const coarse = [...metric.names].flatMap(([run, name]) =>
    series.get(run)?.get(name)?.bucketed === true ? [{ run, name }] : [],
  );
  const [detail, onZoom] = useRunsDetail(coarse, view.axis, (run, name, zoom) => {
    const [points, placing] = [series.get(run)?.get(name), placings.get(run)];
    return points === undefined || placing === undefined ? undefined : timesIn(points, placing, zoom);
  });
  const groups = groupsWith(metric.names, comparison?.groups ?? []);
  const single = [...metric.names].flatMap(([run, name]) => {
    const placing = placings.get(run);
    const found = detail.get(run)?.get(name) ?? series.get(run)?.get(name);
    if (placing === undefined || found === undefined) return [];
    const label = `#${run} ${runs.get(run)?.name ?? ""}`.trim();
    const identity = { key: String(run), label, color: colors.get(run) ?? 0 };
    const note = noteOf(run, groups);
    return curvesOf(found, placing, identity).map((curve) => ({ run, curve: { ...curve, ...note } }));
  });
  const curves = shared.repeats === "median" ? withMedians(single, groups) : single.map(({ curve }) => curve);
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
      empty={noAxisText(view.axis)}
      onZoom={onZoom}
    />
  );
}
