import { Component } from "preact";

import type { LogLine } from "../../api/wire";
import { terminalLine } from "../../lib/ansi";
import { styleOf } from "../../lib/terminal-color";
import { markHits, type Piece } from "./search";

/** How a line of a log is shown. */
export interface RowProps {
  line: LogLine;
  top: number;
  /** What to mark, in lower case. */
  text: string;
  /** Whether the search has reached this line. */
  current: boolean;
  /** The time of the line as text, if it is to be shown. */
  time: string | undefined;
}

/** One line of a log, rendered again only when what it shows changes. */
export class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: Readonly<RowProps>): boolean {
    const { line, top, text, current, time } = this.props;
    return (
      line !== next.line ||
      top !== next.top ||
      text !== next.text ||
      current !== next.current ||
      time !== next.time
    );
  }

  override render({ line, top, text, current, time }: RowProps) {
    const kind = line.rank === null ? "server" : line.stream;
    const from = line.rank === null ? "mlbench" : `rank ${line.rank}`;
    return (
      <div class={`log-row ${kind} ${current ? "current" : ""}`} style={{ top: `${top}px` }}>
        {time !== undefined && <span class="log-time">{time}</span>}
        <span class="log-from" title={`${from}, ${line.stream}`}>
          {line.rank ?? "mlbench"}
          {kind === "stderr" && <span class="log-err"> err</span>}
        </span>
        <span class="log-text">{markHits(terminalLine(line.text), text).map(shown)}</span>
      </div>
    );
  }
}

function shown({ text, style, hit }: Piece, index: number) {
  if (hit) return <mark key={index}>{text}</mark>;
  const css = styleOf(style);
  return css === undefined ? (
    text
  ) : (
    <span key={index} style={css}>
      {text}
    </span>
  );
}
