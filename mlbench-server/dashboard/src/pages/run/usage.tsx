import { useEffect, useMemo, useState } from "preact/hooks";

import { getPoints, type Point } from "../../api/metrics";
import { withRetries } from "../../api/retry";
import type { Run } from "../../api/wire";
import { Chart } from "../../charts/chart";
import type { ChartGroup } from "../../charts/group";
import { rates, type Samples } from "../../charts/rates";
import type { ChartSeries } from "../../charts/series";
import { numberOf } from "../../lib/number";
import { seconds, timestamp } from "../../lib/time";
import { pointsOf, usePoints } from "../../live/use-points";

const CPU = "container_cpu_usage_seconds_total";
const MEMORY = "container_memory_working_set_bytes";
const NAMES = [CPU, MEMORY];
/** Samples come every few seconds; some before and after the run belong to its first and last moment. */
const MARGIN = 10;
/** How many pods a chart compares. */
const MOST_PODS = 16;
/** How much of an active run is shown, in seconds. */
const SPANS = [600, 3_600, 21_600, 86_400];

type Usage = ReadonlyMap<string, Samples>;

/** What the pods of a run used while it ran. */
export function PodUsage({ run, group }: { run: Run; group: ChartGroup }) {
  const pods = run.job_metadata.pods.slice(0, MOST_PODS);
  const [usage, setUsage] = useState<Record<string, Usage>>({});
  const put = useMemo(
    () => (pod: string, next: Usage) => setUsage((before) => ({ ...before, [pod]: next })),
    [],
  );
  const curves = (name: string): ChartSeries[] =>
    pods.flatMap((pod, rank) => {
      const samples = usage[pod]?.get(name);
      return samples === undefined || samples.x.length === 0
        ? []
        : [{ key: `${rank}`, label: `rank ${rank}`, color: rank, ...samples }];
    });
  const loading = pods.some((pod) => usage[pod] === undefined);
  const Source = run.finished_at === null ? LivePod : EndedPod;
  const shared = {
    axis: "wall",
    group,
    floor: 0,
    loading,
    empty: "No measurements during the run.",
  } as const;
  return (
    <>
      {pods.map((pod) => (
        <Source key={pod} run={run} pod={pod} put={put} />
      ))}
      <div class="chart-grid">
        <Chart title="CPU" unit="cores" series={curves(CPU)} {...shared} />
        <Chart title="Memory" unit="bytes" series={curves(MEMORY)} {...shared} />
      </div>
    </>
  );
}

interface SourceProps {
  run: Run;
  pod: string;
  put: (pod: string, usage: Usage) => void;
}

/** Reads what a pod used during a run that has ended. */
function EndedPod({ run, pod, put }: SourceProps) {
  const { created_at, finished_at } = run;
  useEffect(() => {
    const stop = new AbortController();
    const [since, until] = [created_at, finished_at ?? created_at].map(seconds);
    const range = { since: timestamp((since ?? 0) - MARGIN), until: timestamp((until ?? 0) + MARGIN) };
    const read = () => getPoints({ pod }, { names: NAMES, ...range, signal: stop.signal });
    withRetries(read, stop.signal).then(
      ({ series }) => put(pod, new Map(NAMES.map((name) => [name, samplesOf(name, series.get(name) ?? [])]))),
      // A pod without measurements, or one that is gone.
      () => {
        if (!stop.signal.aborted) put(pod, new Map());
      },
    );
    return () => stop.abort();
  }, [created_at, finished_at, pod, put]);
  return null;
}

function samplesOf(name: string, points: readonly Point[]): Samples {
  const x = Float64Array.from(points, ({ date }) => seconds(date));
  const y = Float64Array.from(points, ({ value }) => numberOf(value));
  return shown(name, { x, y });
}

/** Follows what a pod uses during an active run. */
function LivePod({ run, pod, put }: SourceProps) {
  const [age] = useState(() => Date.now() / 1000 - seconds(run.created_at));
  const points = usePoints(
    pointsOf(
      { pod },
      SPANS.find((span) => span > age),
    ),
    NAMES,
  );
  const start = seconds(run.created_at) - MARGIN;
  useEffect(() => {
    if (points.size === 0 || [...points.values()].some(({ ready }) => !ready)) return;
    const usage = [...points].map(([name, { time, value }]) => {
      const from = time.findIndex((at) => at >= start);
      const [x, y] = from === -1 ? [time.subarray(0, 0), value.subarray(0, 0)] : [time, value];
      return [
        name,
        shown(name, { x: x.subarray(Math.max(0, from)), y: y.subarray(Math.max(0, from)) }),
      ] as const;
    });
    put(pod, new Map(usage));
  }, [points, pod, put, start]);
  return null;
}

function shown(name: string, samples: Samples): Samples {
  return name === CPU ? rates(samples, 120) : samples;
}
