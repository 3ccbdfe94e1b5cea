import { deleteRun, stopRun } from "../../api/runs";
import type { Run } from "../../api/wire";
import { plural } from "../../lib/format";
import { refreshRuns } from "../../live/runs";
import { Confirm } from "../../parts/confirm";
import { ELSEWHERE, isActive } from "../../parts/state";
import { toast } from "../../parts/toast";
import { each } from "./bulk";

/** What is to be done with which runs. */
export interface Pending {
  action: "stop" | "delete";
  runs: readonly Run[];
}

/** How many runs a question names. */
const NAMED = 8;

/** Asks before runs are stopped or deleted, and does it. */
export function Confirmation({ pending, onClose }: { pending: Pending; onClose: () => void }) {
  const { action, runs } = pending;
  const what = runs.length === 1 ? `run ${runs[0]?.id ?? ""}` : plural(runs.length, "run");
  const stop = action === "stop";
  const act = async () => {
    try {
      await each(runs, stop ? "stopped" : "deleted", stop ? stopRun : deleteRun);
      // The news tell of every run that stops.
      if (!stop) toast("idle", `Deleted ${what}`);
    } finally {
      refreshRuns();
    }
  };
  const active = runs.filter(isActive).length;
  return (
    <Confirm
      title={stop ? `Stop ${what}?` : `Delete ${what}?`}
      action={stop ? `Stop ${what}` : `Delete ${what}`}
      danger
      onConfirm={act}
      onClose={onClose}
    >
      <ul class="named">
        {runs.slice(0, NAMED).map((run) => (
          <li key={run.id}>
            <span class="place">{run.id}</span> <bdi>{run.name}</bdi>
          </li>
        ))}
        {runs.length > NAMED && <li>and {plural(runs.length - NAMED, "more run")}</li>}
      </ul>
      <p>{consequence(action, runs.length, active)}</p>
      {runs.some((run) => isActive(run) && run.external === true) && <p>{ELSEWHERE}</p>}
    </Confirm>
  );
}

function consequence(action: Pending["action"], count: number, active: number): string {
  const their = count === 1 ? "its" : "their";
  if (action === "stop") return `This ends ${their} processes and keeps ${their} metrics and output.`;
  const stops =
    active === 0
      ? ""
      : count === 1
        ? "The run is still active and stops first. "
        : `${active} of them are still active and stop first. `;
  return `${stops}This removes ${their} metrics and output for good.`;
}
