import { useState } from "preact/hooks";

import { deleteRun, stopRun } from "../../api/runs";
import type { Run } from "../../api/wire";
import { navigate } from "../../lib/navigation";
import { tagWord } from "../../api/run-search";
import type { RunStore } from "../../live/run";
import { StateBadge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { later } from "../../parts/lazy";
import { Link } from "../../parts/link";
import { ELSEWHERE, isActive } from "../../parts/state";
import { TagText } from "../../parts/tags";
import { toast } from "../../parts/toast";

const TagsDialog = later(() => import("./later").then((module) => module.TagsDialog));
const Confirm = later(() => import("./later").then((module) => module.Confirm));

/** Name, state and actions of a run. */
export function Header({ run, store }: { run: Run; store: RunStore }) {
  const [asks, setAsks] = useState<"stop" | "delete" | "tags">();
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
        {run.external === true && (
          <span class="tag" title="It executes elsewhere and reports to this server">
            External
          </span>
        )}
        <Tags run={run} onEdit={() => setAsks("tags")} />
      </div>
      <div class="run-actions">
        {isActive(run) && <Button onClick={() => setAsks("stop")}>Stop</Button>}
        {run.external !== true && (
          <Button onClick={() => navigate(`runs?again=${run.id}`)}>Start again</Button>
        )}
        <Button onClick={() => navigate(`compare?runs=${run.id}`)}>Compare</Button>
        <Button kind="danger" onClick={() => setAsks("delete")}>
          Delete
        </Button>
      </div>
      {asks === "tags" && <TagsDialog run={run} onSaved={(changed) => store.put(changed)} onClose={close} />}
      {asks === "stop" && (
        <Confirm title={`Stop run ${run.id}?`} action="Stop run" danger onConfirm={stop} onClose={close}>
          <p>
            {run.external === true ? (
              ELSEWHERE
            ) : (
              <>
                This ends the processes of <bdi>{run.name}</bdi> and keeps its metrics and output.
              </>
            )}
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
            {isActive(run) &&
              (run.external === true ? `${ELSEWHERE} ` : "The run is still active and stops first. ")}
            This removes the metrics and the output of <bdi>{run.name}</bdi> for good.
          </p>
        </Confirm>
      )}
    </header>
  );
}

/** How many parameters are beside the tags. */
const PARAMS = 12;

/** The tags of a run, and a glance at its parameters. Each tag leads to the runs that have it too. */
function Tags({ run, onEdit }: { run: Run; onEdit: () => void }) {
  const tags = Object.entries(run.tags ?? {});
  const params = Object.entries(run.params ?? {}).slice(0, PARAMS);
  return (
    <div class="run-tags">
      {tags.length > 0 && (
        <ul class="tags" aria-label="Tags">
          {tags.map(([name, value]) => (
            <li key={name}>
              <Link to={`runs?q=${encodeURIComponent(tagWord(name, value))}`} class="tag">
                <TagText name={name} value={value} />
              </Link>
            </li>
          ))}
        </ul>
      )}
      <Button kind="quiet" onClick={onEdit}>
        {tags.length === 0 ? "Add tags" : "Edit tags"}
      </Button>
      {params.length > 0 && (
        <a href="#details" class="cut" title="Show all parameters">
          {params.map(([name, value]) => `${name}=${String(value)}`).join("  ")}
        </a>
      )}
    </div>
  );
}
