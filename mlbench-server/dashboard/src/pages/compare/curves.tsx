import { useId, useMemo, useState } from "preact/hooks";

import type { Comparison, Run } from "../../api/wire";
import { clockNames } from "../../charts/clock";
import { Choice } from "../../charts/controls";
import { MetricsHeading } from "../../charts/heading";
import { useChartGroup } from "../../charts/use_group";
import type { XAxis } from "../../charts/series";
import { readView, writeView, type ChartView } from "../../charts/view";
import { WhenVisible } from "../../charts/visible";
import { plural } from "../../lib/format";
import { MOST_CURVES } from "../../lib/ids";
import { query, setQuery } from "../../lib/navigation";
import { seconds } from "../../lib/time";
import { Loading } from "../../parts/message";
import { areRepeated, readRepeats, type Repeats } from "./repeats";
import { MetricChart, type Shared } from "./metric-chart";
import { sharedMetrics, type SharedMetric } from "./metrics";
import { useCatalogs } from "./use-series";

const USUAL: ChartView = { axis: "relative", scale: "linear", halfLife: 0, zoom: null };
const AXES: readonly XAxis[] = ["relative", "training", "step", "epoch", "wall"];
const REPEATS: readonly Repeats[] = ["median", "single"];
/** How many charts are surely near the window. */
const FIRST = 2;
/** How many of the other metrics are shown at once. */
const SHOWN = 24;

/** The metrics of several runs, one over the other. */
export function Curves(props: {
  ids: readonly number[];
  runs: readonly Run[];
  colors: ReadonlyMap<number, number>;
  comparison: Comparison | undefined;
}) {
  const { ids, runs, colors, comparison } = props;
  const [search, setSearch] = useState("");
  const [count, setCount] = useState(0);
  const drawn = useMemo(() => ids.slice(0, MOST_CURVES), [ids]);
  const catalogs = useCatalogs(drawn);
  const group = useChartGroup();
  const repeatsId = useId();
  const view = readView(query.value, USUAL);
  const { main, others } = sharedMetrics(catalogs, comparison?.metric ?? "");
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = ({ title }: SharedMetric) => words.every((word) => title.toLowerCase().includes(word));
  const found = others.filter(matches);
  const shownOthers = found.slice(0, words.length > 0 ? Math.max(SHOWN, count) : count);
  const shown = [...main.filter(matches), ...shownOthers];
  const left = found.length - shownOthers.length;
  const clocks = [...catalogs].map(([run, catalog]) => [run, clockNames(catalog)] as const);
  const shared: Shared = {
    view,
    group,
    colors,
    runs: new Map(runs.map((run) => [run.id, run])),
    starts: new Map(
      [...catalogs].map(([run, catalog]) => [
        run,
        seconds(catalog.map(({ first_date }) => first_date).sort()[0] ?? ""),
      ]),
    ),
    // Times of different kinds are not compared: all runs are measured by the wall clock if one reports none.
    clocks: clocks.some(([, names]) => names.length === 0) ? new Map() : new Map(clocks),
    comparison,
    repeats: readRepeats(query.value),
  };
  const repeated = areRepeated(comparison?.groups ?? [], drawn);
  const change = (next: ChartView) => {
    group.zoom.value = next.zoom;
    setQuery(writeView(next, USUAL));
  };
  const ready = catalogs.size === drawn.length;
  return (
    <section aria-labelledby="curves">
      <MetricsHeading
        id="curves"
        search={search}
        onSearch={setSearch}
        controls={{ view, axes: AXES, onChange: change }}
      >
        {repeated && (
          <Choice
            id={repeatsId}
            name="Repeats"
            value={shared.repeats}
            values={REPEATS}
            text={(repeats) => (repeats === "median" ? "Median and band" : "Single curves")}
            onChoose={(repeats) => setQuery({ repeats: repeats === "median" ? null : repeats })}
          />
        )}
      </MetricsHeading>
      {drawn.length < ids.length && (
        <p class="compare-note">Curves of the first {MOST_CURVES} runs; the summary has all of them.</p>
      )}
      {!ready && catalogs.size === 0 && <Loading what="the metrics" />}
      {ready && main.length + others.length === 0 && (
        <p class="section-empty">These runs have no metrics with several values yet.</p>
      )}
      {search !== "" && shown.length === 0 && <p class="section-empty">No metric contains “{search}”.</p>}
      <div class="chart-grid">
        {shown.map((metric, index) => (
          <WhenVisible key={metric.title} height={334} first={index < FIRST}>
            {() => <MetricChart metric={metric} shared={shared} />}
          </WhenVisible>
        ))}
      </div>
      {left > 0 && (
        <p class="compare-more">
          <button type="button" class="button plain" onClick={() => setCount(shownOthers.length + SHOWN)}>
            Show {left > SHOWN ? `${SHOWN} of ${left} more metrics` : plural(left, "more metric")}
          </button>
        </p>
      )}
    </section>
  );
}
