import type { Pod } from "../../api/wire";
import { useChartGroup } from "../../charts/use_group";
import { plural } from "../../lib/format";
import { useTitle } from "../../lib/title";
import { refreshPods, usePods } from "../../live/pods";
import { useRuns } from "../../live/runs";
import { Empty, Failure, Loading } from "../../parts/message";
import { Card } from "./card";
import { runOf } from "./usage";

/** The worker pods of the cluster. */
export function WorkersPage() {
  useTitle("Workers");
  const { pods, ready, error } = usePods();
  const { runs } = useRuns();
  const group = useChartGroup();
  return (
    <>
      <div class="worker-title">
        <h1>Workers</h1>
        {ready && pods.length > 0 && <p>{summary(pods)}. Usage of the last 30 minutes.</p>}
      </div>
      {error !== undefined && (
        <Failure what="The workers could not be read" error={error} onRetry={refreshPods} />
      )}
      {!ready && error === undefined && <Loading what="the workers" />}
      {ready && pods.length === 0 && <NoWorkers />}
      <ul class="workers">
        {pods.map((pod) => (
          <Card key={pod.name} pod={pod} run={runOf(pod.name, runs)} group={group} />
        ))}
      </ul>
    </>
  );
}

function summary(pods: readonly Pod[]): string {
  const counts = new Map<string, number>();
  for (const { phase } of pods) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  const phases = [...counts].map(([phase, count]) => `${count} ${phase.toLowerCase()}`);
  return `${plural(pods.length, "worker")}: ${phases.join(", ")}`;
}

function NoWorkers() {
  return (
    <Empty title="No workers yet">
      <p>
        On this machine, the server brings its own workers: start it with <code>--workers 2</code> or more.
      </p>
      <p>
        In a cluster, workers appear when their pods do: deploy some with the manifests of{" "}
        <code>deploy/</code>, or start a run with an image, which brings its own.
      </p>
    </Empty>
  );
}
