import { useMemo } from "preact/hooks";
import type { Signal } from "@preact/signals";

import { Chart } from "../../charts/chart";
import { trainingClock } from "../../charts/clock";
import { curvesOf } from "../../charts/curve";
import type { ChartGroup } from "../../charts/group";
import type { XAxis } from "../../charts/series";
import { noAxisText } from "../../charts/no_axis";
import type { ChartView } from "../../charts/view";
import { splitName } from "../../lib/metric-name";
import type { PointsStore } from "../../live/points";
import type { SeriesView } from "../../live/series";
import { usePoints } from "../../live/use-points";
import { useDetail } from "./detail";
import { unitOf, type MetricChart as Metric } from "./metrics";

/** What the charts of a run share. */
export interface Shared {
  store: PointsStore;
  run: number;
  /** The zero of relative times, in seconds since 1970. */
  start: number;
  color: number;
  view: ChartView;
  group: ChartGroup;
  /** The metrics that tell the training time. */
  clocks: readonly string[];
  /** The x axes that the points seen so far have. */
  axes: Signal<readonly XAxis[]>;
}

const NONE: readonly string[] = [];

/** The chart of a metric with a curve for each rank. */
export function MetricChart({ metric, shared }: { metric: Metric; shared: Shared }) {
  const { store, run, start, color, view, group, axes } = shared;
  const clocks = view.axis === "training" ? shared.clocks : NONE;
  const points = usePoints(store, [...metric.names, ...clocks]);
  const clock = useMemo(
    () => trainingClock(clocks.flatMap((name) => points.get(name) ?? [])),
    [points, clocks],
  );
  const placing = useMemo(() => ({ axis: view.axis, start, clock }), [view.axis, start, clock]);
  const [detail, onZoom] = useDetail(run, metric.names, points, placing);
  note(axes, points);
  const series = useMemo(
    () =>
      metric.names.flatMap((name, index) => {
        const found = detail?.get(name) ?? points.get(name);
        if (found === undefined) return [];
        const { rank } = splitName(name);
        const label = rank === undefined ? name : `rank ${rank}`;
        const identity = { key: name, label, color: metric.names.length === 1 ? color : index };
        return curvesOf(found, placing, identity);
      }),
    [metric.names, points, detail, placing, color],
  );
  const loading = points.size === 0 || [...points.values()].some(({ ready }) => !ready);
  return (
    <Chart
      title={metric.title}
      series={series}
      unit={unitOf(metric.title)}
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

function note(axes: Signal<readonly XAxis[]>, points: ReadonlyMap<string, SeriesView>): void {
  for (const axis of ["step", "epoch"] as const) {
    if (axes.peek().includes(axis)) continue;
    for (const { [axis]: column } of points.values()) {
      if (!Number.isFinite(column.at(-1) ?? NaN)) continue;
      queueMicrotask(() => {
        if (!axes.peek().includes(axis)) axes.value = [...axes.peek(), axis];
      });
      break;
    }
  }
}
