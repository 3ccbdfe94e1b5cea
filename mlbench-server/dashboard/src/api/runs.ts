import { newKey } from "../lib/key";
import { runPath } from "./paths";
import { send, sendJson } from "./request";
import type { Run, RunPatch, RunRequest as WireRequest } from "./wire";

/** A run to start. The server reads texts: amounts with units (`4Gi`, `90m`) and a goal (`loss<=0.1`). */
export type RunRequest = Omit<WireRequest, Text> & { [name in Text]?: string };

type Text = "memory" | "shm_size" | "time_limit" | "goal";

/** Lists all runs by ascending id, without their output. */
export function listRuns(signal?: AbortSignal): Promise<Run[]> {
  return sendJson("api/runs/", withSignal(signal));
}

/** Reads a run; `logs` is the number of last lines of each output stream. */
export function getRun(id: number, logs = 0, signal?: AbortSignal): Promise<Run> {
  return sendJson(runPath(id, logs), withSignal(signal));
}

/** Starts a run. A repeat with the same key starts nothing twice. */
export function startRun(body: RunRequest, key = newKey()): Promise<Run> {
  return sendJson("api/runs/", { method: "POST", body, idempotencyKey: key });
}

/** Changes the tags of a run, and removes those with null; the response is the run. */
export function changeTags(id: number, tags: Record<string, string | null>): Promise<Run> {
  const body: RunPatch = { tags };
  return sendJson(`api/runs/${id}/`, { method: "PATCH", body });
}

/** Stops a run; the response is the run. */
export function stopRun(id: number): Promise<Run> {
  return sendJson(`api/runs/${id}/stop/`, { method: "POST" });
}

/** Deletes a run with its metrics and output, and stops it before. */
export async function deleteRun(id: number): Promise<void> {
  await send(`api/runs/${id}/`, { method: "DELETE" });
}

function withSignal(signal: AbortSignal | undefined) {
  return signal === undefined ? {} : { signal };
}
