import type { Run } from "../../api/wire";
import { setQuery } from "../../lib/navigation";
import { Button } from "../../parts/button";
import { Link } from "../../parts/link";
import { Ago, Cut } from "../../parts/text";

/** How many places are listed; the filter shows the rest. */
const LISTED = 4;

/** Returns the runs that wait, the next one first. */
export function queueOf(runs: readonly Run[]): Run[] {
  const waiting = runs.filter((run) => run.queue_position !== undefined);
  return waiting.sort((a, b) => (a.queue_position ?? 0) - (b.queue_position ?? 0));
}

/** The runs that wait for workers: their places and what each waits for. */
export function Queue({ runs, onStop }: { runs: readonly Run[]; onStop: (runs: readonly Run[]) => void }) {
  const waiting = queueOf(runs);
  if (waiting.length === 0) return null;
  const more = waiting.length - LISTED;
  return (
    <section class="queue" aria-labelledby="queue">
      <h2 id="queue">Queue</h2>
      <ol>
        {waiting.slice(0, LISTED).map((run) => (
          <li key={run.id} value={run.queue_position}>
            <span class="place">{run.queue_position}</span>
            <Link to={`runs/${run.id}`}>
              <Cut text={run.name} />
            </Link>
            <Cut text={`waiting: ${run.waiting_for ?? "its turn"}`} class="why" />
            <span class="since">
              <Ago date={run.created_at} />
            </span>
            <Button kind="quiet" aria-label={`Stop run ${run.id}`} onClick={() => onStop([run])}>
              Stop
            </Button>
          </li>
        ))}
      </ol>
      {more > 0 && (
        <Button kind="quiet" onClick={() => setQuery({ state: "Queued", sort: "id" })}>
          Show {more} more
        </Button>
      )}
    </section>
  );
}
