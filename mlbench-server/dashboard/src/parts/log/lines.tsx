import { useImperativeHandle, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Ref } from "preact";

import type { LogLine } from "../../api/wire";
import { exactDateTime, milliseconds } from "../../lib/format";
import { timeZone } from "../../lib/settings";
import { indexOfSeq } from "./filter";
import { fixedLines, LINE, WrappedLines, type Geometry } from "./geometry";
import { Row } from "./row";

/** How many lines are rendered beyond those in view, so that scrolling shows no gaps. */
const BEYOND = 12;
/** The columns that the number of the rank takes. */
const GUTTER = 8;
/** The columns of a time. */
const TIME = 14;

/** What others may do with the lines. */
export interface LinesHandle {
  /** Shows a line in the middle. */
  show(seq: number): void;
  /** The number of the first line in view. */
  first(): number;
}

/** The lines of a log, of which only those in view are rendered. */
export interface LinesProps {
  /** Often the same array with more lines, which `newest` shows. */
  rows: readonly LogLine[];
  /** The number of the last line. */
  newest: number | undefined;
  wrap: boolean;
  times: boolean;
  /** Whether the view stays at the end. */
  follow: boolean;
  onFollow: (follow: boolean) => void;
  /** What to mark, in lower case. */
  text: string;
  /** The line that the search has reached. */
  current: number | undefined;
  handle: Ref<LinesHandle>;
}

/** Where the view is: a line and how far above its top the view begins, so that lines before it do not move it. */
interface Anchor {
  seq: number;
  offset: number;
}

/** A scrolled list of lines of 100,000 and more. */
export function Lines(props: LinesProps) {
  const { rows, wrap, times, follow, onFollow } = props;
  const box = useRef<HTMLDivElement>(null);
  const probe = useRef<HTMLSpanElement>(null);
  const wrapped = useRef<WrappedLines | undefined>(undefined);
  const [size, setSize] = useState({ height: 400, columns: 80 });
  const anchor = useRef<Anchor>({ seq: 0, offset: 0 });
  const [, moved] = useState(0);
  const scrolled = useRef(0);

  const columns = size.columns - GUTTER - (times ? TIME : 0);
  wrapped.current = wrap ? WrappedLines.of(wrapped.current, rows, columns) : undefined;
  const geometry: Geometry = wrapped.current ?? fixedLines(rows.length);
  const lowest = Math.max(0, geometry.height - size.height);
  const top = follow
    ? lowest
    : Math.min(lowest, geometry.top(indexOfSeq(rows, anchor.current.seq)) + anchor.current.offset);
  const place = (next: number): Anchor => {
    const index = geometry.at(next);
    return { seq: rows[index]?.seq ?? 0, offset: next - geometry.top(index) };
  };
  // Where the view stays when it follows no longer.
  if (follow) anchor.current = place(top);

  useLayoutEffect(() => {
    const [scroller, letter] = [box.current, probe.current];
    if (scroller === null || letter === null) return;
    const measure = () => {
      const letterWidth = letter.getBoundingClientRect().width / letter.textContent.length;
      const columns = Math.floor((scroller.clientWidth - 24) / letterWidth);
      setSize({ height: scroller.clientHeight, columns });
    };
    const observer = new ResizeObserver(measure);
    observer.observe(scroller);
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    if (box.current === null || Math.abs(box.current.scrollTop - top) < 1) return;
    box.current.scrollTop = top;
    scrolled.current = box.current.scrollTop;
  }, [top]);

  const moveTo = (next: number) => {
    anchor.current = place(next);
    moved((count) => count + 1);
  };

  const onScroll = () => {
    if (box.current === null) return;
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    const up = scrollTop < scrolled.current - 1;
    scrolled.current = scrollTop;
    const atEnd = scrollHeight - clientHeight - scrollTop < LINE / 2;
    if (atEnd !== follow && (atEnd || up)) onFollow(atEnd);
    if (!atEnd && (up || !follow)) moveTo(scrollTop);
  };

  useImperativeHandle(props.handle, () => ({
    show: (seq) => {
      onFollow(false);
      const line = geometry.top(indexOfSeq(rows, seq));
      if (line >= top && line < top + size.height - LINE && !follow) return;
      moveTo(Math.max(0, line - size.height / 2));
    },
    first: () => rows[geometry.at(top)]?.seq ?? 0,
  }));

  const start = Math.max(0, geometry.at(top) - BEYOND);
  const end = Math.min(rows.length, geometry.at(top + size.height) + 1 + BEYOND);
  const time = (line: LogLine) =>
    times ? exactDateTime(milliseconds(line.date), timeZone.value).slice(11, 23) : undefined;
  return (
    <div
      ref={box}
      class={`log-lines ${wrap ? "wrap" : ""}`}
      style={{ height: `min(${geometry.height + LINE}px, 560px, 70vh)` }}
      role="region"
      aria-label="Output of the run"
      tabIndex={0}
      onScroll={onScroll}
    >
      <span ref={probe} class="log-probe" aria-hidden="true">
        0000000000
      </span>
      <div class="log-all" style={{ height: `${geometry.height}px` }}>
        {rows.slice(start, end).map((line, index) => (
          <Row
            key={line.seq}
            line={line}
            top={geometry.top(start + index)}
            text={props.text}
            current={line.seq === props.current}
            time={time(line)}
          />
        ))}
      </div>
    </div>
  );
}
