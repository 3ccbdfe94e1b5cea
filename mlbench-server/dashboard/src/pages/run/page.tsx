import { useMemo } from "preact/hooks";

import { metricsDownload, type SeriesInfo } from "../../api/metrics";
import type { Run } from "../../api/wire";
import { createGroup } from "../../charts/group";
import { readView } from "../../charts/view";
import { WhenVisible } from "../../charts/visible";
import { seconds } from "../../lib/time";
import { query } from "../../lib/navigation";
import { useTitle } from "../../lib/title";
import type { PointsStore } from "../../live/points";
import { useRun, type RunStore } from "../../live/run";
import { pointsOf, useCatalog } from "../../live/use-points";
import { stateWord } from "../../parts/state";
import { later } from "../../parts/lazy";
import { Link } from "../../parts/link";
import { Empty, Failure, Loading, Message } from "../../parts/message";
import { useAnalysis } from "./analysis";
import { Details, Pods } from "./details";
import { Header } from "./header";
import { firstPoint } from "./moments";
import { Metrics } from "./overview";
import { Shares } from "./shares";
import { Timeline } from "./timeline";

const Failed = later(() => import("./later").then((module) => module.Failed));
const Log = later(
  () => import("./later").then((module) => module.Log),
  <p class="log-empty">Reading the output …</p>,
);
const PodUsage = later(() => import("./later").then((module) => module.PodUsage));

/** One run. */
export function RunPage({ id }: { id: number }) {
  const store = useRun(id);
  const { run, missing, error } = store.state.value;
  // The list of metrics does not wait for the run.
  const points = pointsOf({ run: id });
  const catalog = useCatalog(points);
  useTitle(run === undefined ? `Run ${id}` : `${stateWord(run)}: ${run.name} (${id})`);
  if (run !== undefined)
    return <Content run={run} store={store} gone={missing} points={points} catalog={catalog} />;
  return (
    <>
      <h1>Run {id}</h1>
      {missing ? (
        <Empty title="No such run">
          <p>
            Run {id} does not exist; it may have been deleted. <Link to="runs">Show all runs</Link>
          </p>
        </Empty>
      ) : error === undefined ? (
        <Loading what="the run" />
      ) : (
        <Failure what="The run could not be read" error={error} onRetry={() => void store.refresh()} />
      )}
    </>
  );
}

/** The result as the program reports it: the metric `TaskResult` of the official images and of our benchmarks. */
function results(catalog: readonly SeriesInfo[]): string[] {
  return catalog.filter(({ name }) => name.startsWith("TaskResult @ ")).map(({ last_value }) => last_value);
}

function Content(props: {
  run: Run;
  store: RunStore;
  gone: boolean;
  points: PointsStore;
  catalog: readonly SeriesInfo[] | undefined;
}) {
  const { run, store, gone, points, catalog } = props;
  const analysis = useAnalysis(run);
  // What the address says when the page opens.
  const group = useMemo(
    () =>
      createGroup(
        readView(query.peek(), { axis: "relative", scale: "linear", halfLife: 0, zoom: null }).zoom,
      ),
    [],
  );
  const usageGroup = useMemo(() => createGroup(), []);
  const first = catalog === undefined ? undefined : firstPoint(catalog);
  const start = first === undefined ? seconds(run.created_at) : first / 1000;
  return (
    <div class="run">
      <Header run={run} store={store} />
      {gone && (
        <Message tone="warn">
          <p>
            This run has been deleted; the page shows what it knew. <Link to="runs">Show all runs</Link>
          </p>
        </Message>
      )}
      <Timeline run={run} catalog={catalog ?? []} analysis={analysis} />
      {results(catalog ?? []).map((result) => (
        <p key={result} class="run-result" dir="auto">
          {result}
        </p>
      ))}
      {run.state === "FAILED" && <Failed run={run} />}
      {analysis !== undefined && <Shares analysis={analysis} />}
      <Metrics run={run} store={points} catalog={catalog} start={start} group={group} />
      <section aria-labelledby="output" class="run-output">
        <h2 id="output">Output</h2>
        <Log run={run} />
      </section>
      {run.job_metadata.pods.length > 0 && run.imported_from === undefined && (
        <section aria-labelledby="workers" class="run-workers">
          <h2 id="workers">Workers</h2>
          <Pods run={run} />
          <WhenVisible height={340}>{() => <PodUsage run={run} group={usageGroup} />}</WhenVisible>
        </section>
      )}
      <Details run={run} />
      <section aria-labelledby="downloads" class="run-downloads">
        <h2 id="downloads">Downloads</h2>
        <p>
          <a href={metricsDownload({ run: run.id }, "csv")} download={`run-${run.id}.csv`}>
            All metrics as CSV
          </a>
          <a href={metricsDownload({ run: run.id }, "zip")} download>
            All metrics as ZIP, with those of its workers
          </a>
        </p>
      </section>
    </div>
  );
}
