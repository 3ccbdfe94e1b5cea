import { useEffect, useRef, useState } from "preact/hooks";

import { messageOf } from "../../api/problem";
import type { LogLine, Run } from "../../api/wire";
import { plainLine } from "../../lib/ansi";
import { count, plural } from "../../lib/format";
import { readLogs } from "../../live/logs";
import { Button } from "../button";
import { toast } from "../toast";

/** Returns lines as text: `[rank] text` each, without colours. */
export function linesText(lines: readonly LogLine[]): string {
  return lines.map(({ rank, text }) => `[${rank ?? "mlbench"}] ${plainLine(text)}\n`).join("");
}

/** Copies lines and says so. */
export function copyLines(lines: readonly LogLine[]): void {
  const done = (ok: boolean) => {
    if (ok) toast("good", `Copied ${plural(lines.length, "line")}`);
    else toast("bad", "The browser allows no copy from this address; download the log instead");
  };
  // Without TLS a browser has no clipboard on another host than this one.
  if (!("clipboard" in navigator)) {
    done(false);
    return;
  }
  navigator.clipboard.writeText(linesText(lines)).then(
    () => done(true),
    () => done(false),
  );
}

/** A button that downloads the whole output of a run, also what the page does not keep. */
export function DownloadLog({ run }: { run: Run }) {
  const [read, setRead] = useState<number>();
  const stop = useRef(new AbortController());
  useEffect(() => {
    const { current } = stop;
    return () => current.abort();
  }, []);
  const download = async () => {
    const parts: string[] = [];
    let total = 0;
    setRead(0);
    try {
      await readLogs(
        run.id,
        (lines) => {
          parts.push(linesText(lines));
          total += lines.length;
          setRead(total);
        },
        stop.current.signal,
      );
      save(new Blob(parts, { type: "text/plain" }), `run-${run.id}-log.txt`);
    } catch (error) {
      if (!stop.current.signal.aborted) toast("bad", `The log could not be read: ${messageOf(error)}`);
    }
    setRead(undefined);
  };
  return (
    <Button kind="quiet" aria-label="Download log" busy={read !== undefined} onClick={() => void download()}>
      {read === undefined ? "Download" : count(read)}
    </Button>
  );
}

function save(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
