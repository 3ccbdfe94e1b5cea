import { useEffect, useState } from "preact/hooks";

import { getLogs } from "../../api/logs";
import { withRetries } from "../../api/retry";
import type { SeriesInfo } from "../../api/metrics";
import type { Run } from "../../api/wire";
import { now } from "../../lib/clock";
import { dateTime, exactDateTime, milliseconds } from "../../lib/format";
import { timeZone } from "../../lib/settings";
import type { Analysis } from "./analysis";
import { firstPoint, moments, type Moment } from "./moments";

/** How much the clock of a worker may differ from the server's, in milliseconds. */
const SKEW = 60_000;

/** What happened to a run, with the time that each part took. */
export function Timeline(props: {
  run: Run;
  catalog: readonly SeriesInfo[];
  analysis: Analysis | undefined;
}) {
  const { run, catalog, analysis } = props;
  const line = useFirstLine(run, catalog.length);
  // Imported points may be older than the run, and clocks differ a little.
  const earliest = milliseconds(run.created_at) - SKEW;
  const known = [line, firstPoint(catalog)].filter(
    (date): date is number => date !== undefined && date >= earliest,
  );
  const first = analysis?.startedAt ?? (known.length === 0 ? undefined : Math.min(...known));
  const time = run.finished_at === null ? now.value : 0;
  const list = moments(run, { first, goal: analysis?.reachedAt, now: time });
  return (
    <ol class="timeline" aria-label="Course of the run">
      {list.map((moment) => (
        <Item key={moment.name} moment={moment} />
      ))}
    </ol>
  );
}

function Item({ moment: { name, date, text, tone } }: { moment: Moment }) {
  return (
    <li class={tone}>
      <strong>{name}</strong>
      {text !== undefined && <span>{text}</span>}
      {date !== undefined && (
        <time dateTime={new Date(date).toISOString()} title={exactDateTime(date, timeZone.value)}>
          {dateTime(date, timeZone.value)}
        </time>
      )}
    </li>
  );
}

/** Returns the date of the first line of a run, in milliseconds since 1970. */
function useFirstLine(run: Run, metrics: number): number | undefined {
  const [date, setDate] = useState<number>();
  const { id, state } = run;
  useEffect(() => {
    if (date !== undefined || state === "INITIALIZED") return;
    const stop = new AbortController();
    withRetries(() => getLogs(id, { limit: 1, signal: stop.signal }), stop.signal).then(
      ({ lines: [line] }) => {
        if (line !== undefined) setDate(milliseconds(line.date));
      },
      // The timeline then begins with the first point.
      () => undefined,
    );
    return () => stop.abort();
    // The first metric is a sign that there may be a line.
  }, [id, state, date, metrics]);
  return date;
}
