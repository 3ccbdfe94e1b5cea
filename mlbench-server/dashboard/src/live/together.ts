import type { Metrics, Owner, RunsMetrics } from "../api/metrics";

/** How many series one request reads: more of them would hold up the first charts. */
export const SERIES_AT_ONCE = 16;

/** What is read of an owner. */
interface What {
  names?: readonly string[];
}

interface Waiting<T> {
  run: number;
  resolve: (metrics: Metrics<T>) => void;
  reject: (error: unknown) => void;
}

/**
 * Returns a function that reads series of an owner, and those of several runs with one request.
 *
 * Charts of many runs read the same of each run at the same moment, and a request for each would wait for one of the
 * browser's few connections.
 */
export function together<W extends What, T>(
  readOne: (owner: Owner, what: W) => Promise<Metrics<T>>,
  readRuns: (runs: readonly number[], what: W) => Promise<RunsMetrics<T>>,
): (owner: Owner, what: W) => Promise<Metrics<T>> {
  const groups = new Map<string, { what: W; all: Waiting<T>[] }>();
  const sendAll = () => {
    const sent = [...groups.values()];
    groups.clear();
    for (const { what, all } of sent) {
      const runs = Math.max(1, Math.floor(SERIES_AT_ONCE / (what.names ?? []).length));
      for (let from = 0; from < all.length; from += runs) void send(all.slice(from, from + runs), what);
    }
  };
  const send = async (all: readonly Waiting<T>[], what: W) => {
    const [first] = all;
    try {
      if (all.length === 1 && first !== undefined) {
        first.resolve(await readOne({ run: first.run }, what));
        return;
      }
      const { runs, cursor } = await readRuns(
        all.map(({ run }) => run),
        what,
      );
      for (const { run, resolve } of all)
        resolve({ series: runs.get(run) ?? new Map<string, T[]>(), cursor });
    } catch (error) {
      for (const { reject } of all) reject(error);
    }
  };
  return (owner, what) => {
    // All metrics of a run may be many.
    if (!("run" in owner) || (what.names ?? []).length === 0) return readOne(owner, what);
    return new Promise((resolve, reject) => {
      // After the reads of all charts that begin now.
      if (groups.size === 0) queueMicrotask(sendAll);
      // Names may contain anything, so what is read is compared as JSON.
      const key = JSON.stringify(what);
      const group = groups.get(key) ?? { what, all: [] };
      groups.set(key, group);
      group.all.push({ run: owner.run, resolve, reject });
    });
  };
}
