import { useState } from "preact/hooks";

import { deleteRun, stopRun } from "../../api/runs";
import type { Run } from "../../api/wire";
import { navigate } from "../../lib/navigation";
import type { RunStore } from "../../live/run";
import { StateBadge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { later } from "../../parts/lazy";
import { Link } from "../../parts/link";
import { isActive } from "../../parts/state";
import { toast } from "../../parts/toast";

const Confirm = later(() => import("./later").then((module) => module.Confirm));

/** Name, state and actions of a run. */
export function Header({ run, store }: { run: Run; store: RunStore }) {
  const [asks, setAsks] = useState<"stop" | "delete">();
  const close = () => setAsks(undefined);
  const stop = async () => {
    store.put(await stopRun(run.id));
    toast("idle", `Stopped run ${run.id}`);
  };
  const remove = async () => {
    await deleteRun(run.id);
    toast("idle", `Deleted run ${run.id}`);
    navigate("runs");
  };
  return (
    <header class="run-header">
      <div class="run-title">
        <p class="run-id">
          <Link to="runs">Runs</Link> <span aria-hidden="true">/</span> {run.id}
        </p>
        <h1 dir="auto">{run.name}</h1>
        <StateBadge run={run} />
      </div>
      <div class="run-actions">
        {isActive(run) && <Button onClick={() => setAsks("stop")}>Stop</Button>}
        <Button onClick={() => navigate(`runs?again=${run.id}`)}>Start again</Button>
        <Button onClick={() => navigate(`compare?runs=${run.id}`)}>Compare</Button>
        <Button kind="danger" onClick={() => setAsks("delete")}>
          Delete
        </Button>
      </div>
      {asks === "stop" && (
        <Confirm title={`Stop run ${run.id}?`} action="Stop run" danger onConfirm={stop} onClose={close}>
          <p>
            This ends the processes of <bdi>{run.name}</bdi> and keeps its metrics and output.
          </p>
        </Confirm>
      )}
      {asks === "delete" && (
        <Confirm
          title={`Delete run ${run.id}?`}
          action="Delete run"
          danger
          onConfirm={remove}
          onClose={close}
        >
          <p>
            {isActive(run) && "The run is still active and stops first. "}
            This removes the metrics and the output of <bdi>{run.name}</bdi> for good.
          </p>
        </Confirm>
      )}
    </header>
  );
}
