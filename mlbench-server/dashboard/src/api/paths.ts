/** What metrics belong to. */
export type Owner = { run: number } | { pod: string };

/** Returns the path of the list of an owner's metrics. */
export function seriesPath(owner: Owner): string {
  return `api/${"run" in owner ? `runs/${owner.run}` : `pods/${encodeURIComponent(owner.pod)}`}/series/`;
}

/** Returns the path of a run with the last lines of each of its output streams. */
export function runPath(id: number, logs: number): string {
  return `api/runs/${id}/?logs=${logs}`;
}
