import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import type { LogLine, Run } from "../../api/wire";
import { count, plural } from "../../lib/format";
import { useShortcuts, type Shortcut } from "../../lib/keys";
import { useLogs, type LogsState } from "../../live/logs";
import { Button } from "../button";
import { Failure } from "../message";
import { copyLines, DownloadLog } from "./export";
import { FilteredLines, type LogFilter } from "./filter";
import { Lines, type LinesHandle } from "./lines";
import { LogSearch, step } from "./search";
import { Unfinished } from "./unfinished";

/** The output of a run: filtered, searched, followed. */
export function Log({ run }: { run: Run }) {
  const state = useLogs(run.id);
  const [filter, setFilter] = useState<LogFilter>({});
  const [wrap, setWrap] = useState(false);
  const [times, setTimes] = useState(false);
  const [follow, setFollow] = useState(true);
  const filtered = useMemo(() => new FilteredLines(), []);
  const rows = filtered.update(state.window, filter);
  const lines = useRef<LinesHandle>(null);
  const search = useSearch(rows, lines);
  return (
    <div class="log">
      <div class="log-bar">
        <SearchField {...search} />
        <Filters run={run} filter={filter} onFilter={setFilter} />
        <div class="log-switches">
          <Toggle on={wrap} onToggle={() => setWrap(!wrap)} label="Wrap" />
          <Toggle on={times} onToggle={() => setTimes(!times)} label="Times" />
          <Toggle on={follow} onToggle={() => setFollow(!follow)} label="Follow" />
          <Button kind="quiet" onClick={() => copyLines(rows)}>
            Copy
          </Button>
          <DownloadLog run={run} />
        </div>
      </div>
      {state.error !== undefined && <Failure what="The output could not be read" error={state.error} />}
      <Older state={state} />
      {rows.length === 0 ? (
        <p class="log-empty">{emptyText(state, run, filter)}</p>
      ) : (
        <Lines
          {...{ rows, wrap, times, follow }}
          newest={rows.at(-1)?.seq}
          onFollow={setFollow}
          text={search.text.toLowerCase()}
          current={search.current}
          handle={lines}
        />
      )}
      {state.ready && run.state === "STARTED" && <Unfinished run={run} last={state.window.last} />}
    </div>
  );
}

function emptyText(state: LogsState, run: Run, filter: LogFilter): string {
  if (!state.ready) return "Reading the output …";
  if (state.window.lines.length > 0) {
    const rank = filter.rank === "server" ? "mlbench" : `rank ${filter.rank ?? ""}`;
    const who = filter.rank === undefined ? "" : ` of ${rank}`;
    return `No line${who}${filter.stream === undefined ? "" : ` on ${filter.stream}`}.`;
  }
  return run.finished_at === null
    ? "No output yet. Lines appear here as they are written."
    : "The run wrote no output.";
}

function Toggle({ on, label, onToggle }: { on: boolean; label: string; onToggle: () => void }) {
  return (
    <Button kind="quiet" class="toggle" aria-pressed={on} onClick={onToggle}>
      {label}
    </Button>
  );
}

function Older({ state }: { state: LogsState }) {
  const { older, lines, full } = state.window;
  if (!older) return null;
  return (
    <p class="log-note">
      {state.reading && !full
        ? `Reading older lines: ${plural(lines.length, "line")} so far …`
        : `Older lines are not loaded: these are the newest ${count(lines.length)}. The download has all.`}
    </p>
  );
}

interface FiltersProps {
  run: Run;
  filter: LogFilter;
  onFilter: (filter: LogFilter) => void;
}

function Filters({ run, filter, onFilter }: FiltersProps) {
  const ranks = Array.from({ length: run.num_workers }, (_, rank) => rank);
  const { rank, stream } = filter;
  return (
    <>
      <select
        aria-label="Rank"
        value={rank ?? ""}
        onChange={({ currentTarget: { value } }) => {
          const next = value === "server" ? value : Number(value);
          onFilter({ ...(value === "" ? {} : { rank: next }), ...(stream === undefined ? {} : { stream }) });
        }}
      >
        <option value="">All ranks</option>
        {ranks.map((number) => (
          <option key={number} value={number}>
            Rank {number}
          </option>
        ))}
        <option value="server">Server messages</option>
      </select>
      <select
        aria-label="Stream"
        value={stream ?? ""}
        onChange={({ currentTarget: { value } }) => {
          const next: LogFilter = value === "stdout" || value === "stderr" ? { stream: value } : {};
          onFilter({ ...(rank === undefined ? {} : { rank }), ...next });
        }}
      >
        <option value="">stdout and stderr</option>
        <option value="stdout">stdout</option>
        <option value="stderr">stderr</option>
      </select>
    </>
  );
}

interface Search {
  text: string;
  /** The line that the search has reached. */
  current: number | undefined;
  found: readonly number[];
  complete: boolean;
  setText: (text: string) => void;
  go: (forward: boolean) => void;
}

/** How long a part of a search may take, in milliseconds. */
const SLICE = 8;

function useSearch(rows: readonly LogLine[], lines: { readonly current: LinesHandle | null }): Search {
  const search = useMemo(() => new LogSearch(), []);
  const [text, setText] = useState("");
  const [current, setCurrent] = useState<number>();
  const [round, setRound] = useState(0);
  const [complete, setComplete] = useState(true);
  const newest = rows.at(-1)?.seq;
  const go = (forward: boolean) => {
    const from = current ?? (lines.current?.first() ?? 0) - (forward ? 1 : 0);
    const next = step(search.found, from, forward);
    setCurrent(next);
    if (next !== undefined) lines.current?.show(next);
  };
  const arrive = useRef<() => void>(undefined);
  arrive.current = () => {
    if (text !== "" && current === undefined) go(true);
  };
  useEffect(() => {
    const end = performance.now() + SLICE;
    const done = search.advance(rows, text.toLowerCase(), () => performance.now() < end);
    setComplete(done);
    // The first line found comes into view by itself, also when older lines bring it.
    if (done) arrive.current?.();
    const timer = done ? undefined : setTimeout(() => setRound((last) => last + 1), 0);
    return () => clearTimeout(timer);
    // The rows are often the same array with more lines.
  }, [search, rows, rows.length, newest, text, round]);
  const change = (next: string) => {
    setText(next);
    setCurrent(undefined);
  };
  return { text, current, found: search.found, complete, setText: change, go };
}

function SearchField({ text, current, found, complete, setText, go }: Search) {
  const input = useRef<HTMLInputElement>(null);
  const shortcuts = useMemo<Shortcut[]>(
    () => [{ keys: "/", label: "Search the log", group: "Run", run: () => input.current?.focus() }],
    [],
  );
  useShortcuts(shortcuts);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") go(!event.shiftKey);
    else if (event.key === "Escape") setText("");
    else return;
    event.preventDefault();
  };
  const place = current === undefined ? "" : `${count(found.indexOf(current) + 1)} of `;
  return (
    <div class="log-search">
      <input
        ref={input}
        type="search"
        aria-label="Search the log"
        placeholder="Search the log"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      {text !== "" && (
        <>
          <span class="log-count" role="status">
            {place}
            {plural(found.length, "line")}
            {complete ? "" : " …"}
          </span>
          <Button kind="quiet" class="icon" aria-label="Previous line found" onClick={() => go(false)}>
            <span aria-hidden="true">↑</span>
          </Button>
          <Button kind="quiet" class="icon" aria-label="Next line found" onClick={() => go(true)}>
            <span aria-hidden="true">↓</span>
          </Button>
        </>
      )}
    </div>
  );
}
