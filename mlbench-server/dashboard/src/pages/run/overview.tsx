import { signal, untracked, useSignalEffect } from "@preact/signals";
import { useMemo, useState } from "preact/hooks";

import type { SeriesInfo } from "../../api/metrics";
import type { Run } from "../../api/wire";
import { clockNames } from "../../charts/clock";
import type { ChartGroup } from "../../charts/group";
import { MetricsHeading } from "../../charts/heading";
import type { XAxis } from "../../charts/series";
import { readView, writeView, zoomText, type ChartView } from "../../charts/view";
import { WhenVisible } from "../../charts/visible";
import { runColors } from "../../lib/colors";
import { plural } from "../../lib/format";
import { numberOf } from "../../lib/number";
import { query, setQuery } from "../../lib/navigation";
import type { PointsStore } from "../../live/points";
import { Loading } from "../../parts/message";
import { useDeferred } from "./deferred";
import { MetricChart, type Shared } from "./metric-chart";
import { arrange, usualAxis, type MetricChart as Metric } from "./metrics";

const USUAL: ChartView = { axis: "relative", scale: "linear", halfLife: 0, zoom: null };

const AXES: readonly XAxis[] = ["relative", "training", "step", "epoch", "wall"];

/** From how many charts on there is a search. */
const MANY = 9;

/** All metrics of a run. */
export function Metrics(props: {
  run: Run;
  store: PointsStore;
  catalog: readonly SeriesInfo[] | undefined;
  /** The zero of relative times, in seconds since 1970. */
  start: number;
  group: ChartGroup;
}) {
  const { run, store, catalog, start, group } = props;
  const [search, setSearch] = useState("");
  const words = useDeferred(search);
  const axes = useMemo(() => signal<readonly XAxis[]>([]), []);
  // It stays for as long as the page is open, whatever comes later: the charts in view do not change under one's eyes.
  const [decided, decide] = useState<XAxis>();
  const axis = decided ?? usualAxis(catalog ?? [], axes.value);
  if (axis !== decided) decide(axis);
  const usual = { ...USUAL, axis: axis ?? USUAL.axis };
  const view = readView(query.value, usual);
  const clockKey = JSON.stringify(catalog === undefined ? [] : clockNames(catalog));
  const clocks = useMemo(() => JSON.parse(clockKey) as string[], [clockKey]);
  const { sections, values } = useMemo(() => arrange(catalog ?? [], words), [catalog, words]);
  const change = (next: ChartView) => {
    group.zoom.value = next.zoom;
    setQuery(writeView(next, usual));
  };
  useSignalEffect(() => {
    const zoom = group.zoom.value;
    untracked(() => {
      if (query.value.get("zoom") === zoomText(zoom)) return;
      setQuery(writeView({ ...readView(query.value, usual), zoom }, usual));
    });
  });
  const color = useMemo(() => runColors([run.id]).get(run.id) ?? 0, [run.id]);
  const shared: Shared = { store, run: run.id, start, color, view, group, axes, clocks };
  const count = sections.reduce((sum, { charts }) => sum + charts.length, 0);
  const known = new Set<XAxis>(["relative", "wall", view.axis, ...axes.value]);
  if (clocks.length > 0) known.add("training");
  const offered = AXES.filter((axis) => known.has(axis));
  return (
    <section aria-labelledby="metrics" class="run-metrics">
      <MetricsHeading
        id="metrics"
        search={search}
        onSearch={setSearch}
        few={count <= MANY}
        controls={{ view, axes: offered, onChange: change }}
      >
        {count > MANY && <span class="section-count">{plural(count, "chart")}</span>}
      </MetricsHeading>
      {catalog === undefined && <Loading what="the metrics" />}
      {catalog !== undefined && count + values.length === 0 && (
        <p class="section-empty">{emptyText(run, words)}</p>
      )}
      {sections.map(({ title, charts }, index) => (
        <div key={title} class="metric-section">
          {(sections.length > 1 || index > 0) && <h3>{title}</h3>}
          {blocks(charts).map((block, place) => (
            <WhenVisible
              key={block[0]?.title}
              class="metric-block"
              height={blockHeight(block.length)}
              first={index + place === 0}
            >
              {() => <Charts charts={block} shared={shared} first={index + place === 0} />}
            </WhenVisible>
          ))}
        </div>
      ))}
      {values.length > 0 && <Values values={values} />}
    </section>
  );
}

/** The height of a chart with its gap, and the least width that the grid gives one, in pixels. */
const CHART = { height: 350, width: 456 };
/** How many charts are one block: of thousands of metrics, even the places of the charts take their time. */
const BLOCK = 24;

/** How many charts are surely near the window. */
const FIRST = 2;

function Charts(props: { charts: readonly Metric[]; shared: Shared; first: boolean }) {
  const { charts, shared, first } = props;
  return (
    <div class="chart-grid">
      {charts.map((metric, index) => (
        <WhenVisible key={metric.title} height={CHART.height - 16} first={first && index < FIRST}>
          {() => <MetricChart metric={metric} shared={shared} />}
        </WhenVisible>
      ))}
    </div>
  );
}

function blocks(charts: readonly Metric[]): Metric[][] {
  const count = Math.ceil(charts.length / BLOCK);
  return Array.from({ length: count }, (_, index) => charts.slice(index * BLOCK, (index + 1) * BLOCK));
}

/** Estimates the height of a block, so that the page is about as long as it will be. */
function blockHeight(charts: number): number {
  const columns = Math.max(1, Math.floor(Math.min(innerWidth - 32, 1_728) / CHART.width));
  return Math.ceil(charts / columns) * CHART.height;
}

function emptyText(run: Run, search: string): string {
  if (search !== "") return `No metric contains “${search}”.`;
  if (run.state === "INITIALIZED") return "The run has not begun. Its metrics appear here when they arrive.";
  return run.finished_at === null
    ? "No metrics yet. They appear here when they arrive."
    : `The run stored no metrics. A program stores them with POST /api/metrics/ under ${run.external === true ? `run_id ${run.id}` : "the id in MLBENCH_RUN_ID"}.`;
}

/** Returns a number with as many digits as anybody reads, and text as it is. */
function shortText(value: string): string {
  const size = numberOf(value);
  return Number.isFinite(size) && value.length > 8 ? String(Number(size.toPrecision(6))) : value;
}

/** How many single values are shown at first. */
const FEW = 40;

function Values({ values }: { values: readonly { name: string; value: string }[] }) {
  const [all, setAll] = useState(false);
  const shown = all ? values : values.slice(0, FEW);
  return (
    <div class="metric-section">
      <h3>Single values</h3>
      <dl class="values">
        {shown.map(({ name, value }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd dir="auto" title={value}>
              {shortText(value)}
            </dd>
          </div>
        ))}
      </dl>
      {shown.length < values.length && (
        <button type="button" class="button plain" onClick={() => setAll(true)}>
          Show all {values.length}
        </button>
      )}
    </div>
  );
}
