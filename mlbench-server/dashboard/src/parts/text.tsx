import { useRef, useState } from "preact/hooks";

import type { Timestamp } from "../api/wire";
import { now } from "../lib/clock";
import { duration, exactDateTime, milliseconds, relative } from "../lib/format";
import { timeZone } from "../lib/settings";
import { Button } from "./button";

/** What a line shows, and what it says in full where that is more. */
export interface CutProps {
  text: string;
  full?: string;
  class?: string;
}

/** Text on one line that shows the rest as a title where the line cuts it. */
export function Cut({ text, full = text, class: name = "" }: CutProps) {
  const ref = useRef<HTMLSpanElement>(null);
  const measure = () => {
    const line = ref.current;
    if (line !== null) line.title = full !== text || line.scrollWidth > line.clientWidth ? full : "";
  };
  return (
    <span ref={ref} class={`cut ${name}`} dir="auto" onPointerEnter={measure}>
      {text}
    </span>
  );
}

/** A date as the time since then; the title has it exactly. */
export function Ago({ date }: { date: Timestamp }) {
  const time = milliseconds(date);
  return (
    <time dateTime={date} title={exactDateTime(time, timeZone.value)}>
      {relative(time, now.value)}
    </time>
  );
}

/** The time between two dates, or from a date on until now. */
export function Elapsed({ from, to }: { from: Timestamp; to: Timestamp | null }) {
  const start = milliseconds(from);
  if (to !== null) return <span>{duration(milliseconds(to) - start)}</span>;
  // Whole seconds: tenths that come once a second only flicker.
  const seconds = Math.max(0, Math.floor((now.value - start) / 1000));
  return <span>{seconds < 60 ? `${seconds} s` : duration(seconds * 1000)}</span>;
}

/** A button that copies a text. */
export function Copy({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState<boolean>();
  const copy = () => {
    const done = (ok: boolean) => {
      setCopied(ok);
      setTimeout(() => setCopied(undefined), 2000);
    };
    // Without TLS a browser has no clipboard on another host than this one.
    const written =
      "clipboard" in navigator ? navigator.clipboard.writeText(text) : Promise.reject(new Error());
    written.then(
      () => done(true),
      () => done(false),
    );
  };
  return (
    <Button kind="quiet" class="copy" aria-label={`Copy ${what}`} onClick={copy}>
      {copied === undefined ? "Copy" : copied ? "Copied" : "Not allowed"}
    </Button>
  );
}
