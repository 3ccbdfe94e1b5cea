import { useEffect, useState } from "preact/hooks";

import { getUnfinished } from "../../api/logs";
import type { LogLine, Run } from "../../api/wire";
import { terminalLine } from "../../lib/ansi";
import { styleOf } from "../../lib/terminal-color";

/** How often the lines are read, in milliseconds: events bring finished lines only. */
const INTERVAL = 1_000;

/** The lines of an active run that have no end yet, such as progress bars, in their newest state. */
export function Unfinished({ run, last }: { run: Run; last: number }) {
  const lines = useUnfinished(run.id, last);
  if (lines.length === 0) return null;
  return (
    <div class="log-unfinished" role="group" aria-label="Unfinished lines">
      {lines.map(({ rank, stream, text }) => (
        <div key={`${rank ?? ""} ${stream}`} class="log-part">
          <span class="log-from">{rank ?? "mlbench"}</span>
          <span class="log-text">
            {terminalLine(text).map((span, index) => (
              <span key={index} style={styleOf(span.style)}>
                {span.text}
              </span>
            ))}
          </span>
        </div>
      ))}
    </div>
  );
}

function useUnfinished(run: number, last: number): readonly LogLine[] {
  const [lines, setLines] = useState<readonly LogLine[]>([]);
  useEffect(() => {
    const stop = new AbortController();
    const read = async () => {
      try {
        if (document.visibilityState === "visible") setLines(await getUnfinished(run, last, stop.signal));
      } catch {
        // The next attempt may succeed; the log says what is wrong.
      }
      if (!stop.signal.aborted) timer = setTimeout(() => void read(), INTERVAL);
    };
    let timer = setTimeout(() => void read(), INTERVAL / 4);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [run, last]);
  return lines;
}
