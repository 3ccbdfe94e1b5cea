import { messageOf, Problem } from "../../api/problem";
import type { Run } from "../../api/wire";
import { plural } from "../../lib/format";

/** How many requests go on at a time. */
const REQUESTS = 4;

/** How many failures a message names. */
const NAMED = 5;

/** Does the same with several runs. A run that is gone already counts as done. Throws what failed, by run. */
export async function each(
  runs: readonly Run[],
  done: string,
  act: (id: number) => Promise<unknown>,
): Promise<void> {
  const failures: string[] = [];
  const waiting = runs.values();
  const work = async () => {
    for (const run of waiting) {
      try {
        await act(run.id);
      } catch (error) {
        if (error instanceof Problem && error.status === 404) continue;
        failures.push(`run ${run.id} "${run.name}": ${messageOf(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: REQUESTS }, work));
  if (failures.length === 0) return;
  const total = `${runs.length - failures.length} of ${plural(runs.length, "run")} ${done}`;
  const more = failures.length > NAMED ? [`and ${plural(failures.length - NAMED, "more failure")}`] : [];
  throw new Error([runs.length === 1 ? [] : total, failures.slice(0, NAMED), more].flat().join("\n"));
}
