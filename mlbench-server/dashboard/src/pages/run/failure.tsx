import { useEffect, useState } from "preact/hooks";

import { withRetries } from "../../api/retry";
import type { LogLine, Run } from "../../api/wire";
import { terminalLine } from "../../lib/ansi";
import { styleOf } from "../../lib/terminal-color";
import { lastLines } from "../../live/last-lines";
import { failedRank } from "./moments";

/** How many lines are shown. */
const LINES = 15;

/** Why a run failed, with the last lines of the rank that failed first. */
export function Failed({ run }: { run: Run }) {
  const rank = failedRank(run);
  const lines = useLastLines(run.id, rank);
  return (
    <section class="failed" aria-labelledby="failed">
      <h2 id="failed">{run.job_metadata.reason ?? "The run failed"}</h2>
      {lines !== undefined && lines.length > 0 && (
        <>
          <p>
            {rank === undefined ? "Last lines of the run" : `Last lines of rank ${rank}, which failed first`}.{" "}
            <a href="#output">Show all output</a>
          </p>
          <pre tabIndex={0} aria-label="Last lines" dir="ltr">
            {lines.map((line) => (
              <span key={line.seq} class={`failed-line ${line.stream}`}>
                {terminalLine(line.text).map(({ text, style }, index) => (
                  <span key={index} style={styleOf(style)}>
                    {text}
                  </span>
                ))}
                {"\n"}
              </span>
            ))}
          </pre>
        </>
      )}
      {lines?.length === 0 && <p>It wrote no output.</p>}
    </section>
  );
}

function useLastLines(run: number, rank: number | undefined): readonly LogLine[] | undefined {
  const [lines, setLines] = useState<readonly LogLine[]>();
  useEffect(() => {
    const stop = new AbortController();
    // Without them the reason and the log still say what happened.
    withRetries(() => lastLines(run, rank, LINES, stop.signal), stop.signal).then(setLines, () => undefined);
    return () => stop.abort();
  }, [run, rank]);
  return lines;
}
