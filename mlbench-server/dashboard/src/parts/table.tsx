import type { RefObject } from "preact";
import { useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from "preact/hooks";

import { Row, type Column } from "./row";
import { moved, scrollTo, slice } from "./rows";
import type { Sort } from "./sort";

/** What others may do with a table. */
export interface TableHandle {
  /** Moves the active row, for instance by 1, and focuses it. */
  move: (by: number) => void;
  /** The index of the active row. */
  active: () => number;
}

/** A table that renders only the rows in view. */
export interface TableProps<T> {
  caption: string;
  /** The same array renders no row again that is the same. */
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  /** Height of every row in pixels. */
  rowHeight: number;
  rowClass?: (row: T) => string;
  selected?: (row: T) => boolean;
  sort?: Sort;
  onSort?: (key: string) => void;
  /** Called for Enter on a row. */
  onOpen: (row: T) => void;
  /** Called for the space bar on a row. */
  onToggle?: (row: T) => void;
  /** Names the order and the filter; another one shows the first row again. */
  order?: string;
  /** Called with the rows that are rendered, after each render. */
  onVisible?: (rows: readonly T[]) => void;
  handle?: RefObject<TableHandle | null>;
}

/** Height of the header in pixels. */
const HEADER = 38;

/** Where each table was left, so that the way back leads there. */
const places = new Map<string, { order: string; top: number; active: number }>();

/** What is in view, in pixels. */
interface View {
  top: number;
  height: number;
  /** The height of the frame and of a bar to scroll sideways. */
  frame: number;
}

function viewOf(box: HTMLElement): View {
  return { top: box.scrollTop, height: box.clientHeight, frame: box.offsetHeight - box.clientHeight };
}

/** A scrolled table with a header that stays, sortable columns and a keyboard: arrows, Page, Home, End, Enter, space. */
export function Table<T>(props: TableProps<T>) {
  const { caption, columns, rows, keyOf, rowHeight, onVisible } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<View>({ top: 0, height: 800, frame: 2 });
  const [active, setActive] = useState(0);
  const focusNext = useRef(false);
  const { start, end } = slice(rows.length, rowHeight, view.top, view.height);
  // Tab and the arrows begin in view: at the active row, or at the first row if the active one was scrolled away.
  const most = Math.max(0, rows.length - 1);
  const left = Math.min(active, most);
  const current = left >= start && left < end ? left : Math.min(Math.ceil(view.top / rowHeight), most);

  useLayoutEffect(() => {
    const box = scroller.current;
    if (box === null) return;
    const observer = new ResizeObserver(() => setView(viewOf(box)));
    observer.observe(box);
    return () => observer.disconnect();
  }, []);

  const { order = "" } = props;
  useLayoutEffect(() => {
    const box = scroller.current;
    if (box === null) return;
    const left = places.get(caption);
    const same = left?.order === order;
    box.scrollTop = same ? left.top : 0;
    setActive(same ? left.active : 0);
    setView(viewOf(box));
  }, [caption, order]);
  useEffect(() => {
    places.set(caption, { order, top: view.top, active: current });
  });

  useEffect(() => onVisible?.(rows.slice(start, end)), [onVisible, rows, start, end]);

  useLayoutEffect(() => {
    if (!focusNext.current) return;
    focusNext.current = false;
    scroller.current?.querySelector<HTMLElement>(`tr[data-row="${current}"]`)?.focus({ preventScroll: true });
  });

  // Rows that come or go before the focused one change its place.
  useLayoutEffect(() => {
    const focused = document.activeElement?.closest("tr[data-row]");
    if (!(focused instanceof HTMLElement) || scroller.current?.contains(focused) !== true) return;
    setActive(Number(focused.dataset["row"]));
  }, [rows]);

  const scrolled = () => {
    const box = scroller.current;
    if (box === null) return;
    const next = slice(rows.length, rowHeight, box.scrollTop, view.height);
    if (next.start === start && next.end === end) return;
    // A focused row that leaves the page would take the focus with it; the table keeps it for the keyboard.
    const focused = document.activeElement?.closest("tr[data-row]");
    const index = Number(focused instanceof HTMLElement ? focused.dataset["row"] : NaN);
    if (box.contains(focused ?? null) && (index < next.start || index >= next.end)) {
      box.focus({ preventScroll: true });
    }
    setView(viewOf(box));
  };

  const goTo = (row: number) => {
    const box = scroller.current;
    if (box === null) return;
    // The header stays in view, so the rows have that much less to show themselves in.
    box.scrollTop = scrollTo(row, rowHeight, box.scrollTop, box.clientHeight - HEADER);
    focusNext.current = true;
    setActive(row);
    setView(viewOf(box));
  };

  useImperativeHandle(props.handle ?? null, () => ({
    move: (by) =>
      goTo(Math.max(0, Math.min(rows.length - 1, focusIn(scroller.current) ? current + by : current))),
    active: () => current,
  }));

  const pressed = (event: KeyboardEvent) => {
    const target = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || !(target instanceof HTMLElement)) return;
    // Space and Enter belong to the control that has the focus, arrows to the table wherever the focus is in it.
    const onRow = target.matches("tr[data-row]") || target === scroller.current;
    const row = rows[current];
    if (target.closest("thead") !== null) return;
    const to = moved(event.key, current, rows.length, Math.max(1, Math.floor(view.height / rowHeight) - 2));
    if (to !== undefined) goTo(to);
    else if (event.key === "Enter" && onRow && row !== undefined) props.onOpen(row);
    else if (event.key === " " && onRow && row !== undefined && props.onToggle !== undefined)
      props.onToggle(row);
    else return;
    event.preventDefault();
  };

  return (
    <div
      class="table"
      ref={scroller}
      tabIndex={-1}
      style={{ height: `${rows.length * rowHeight + HEADER + view.frame}px` }}
      onScroll={scrolled}
      onKeyDown={pressed}
    >
      <table aria-rowcount={rows.length + 1}>
        <caption class="unseen">{caption}</caption>
        <colgroup>
          {columns.map(({ key, width }) => (
            <col key={key} style={width === undefined ? {} : { width }} />
          ))}
        </colgroup>
        <Head {...props} />
        <tbody>
          <Space height={start * rowHeight} />
          {rows.slice(start, end).map((row, offset) => {
            const index = start + offset;
            const names = [props.rowClass?.(row) ?? "", props.selected?.(row) === true ? "selected" : ""];
            return (
              <Row
                key={keyOf(row)}
                {...{ row, index, columns, height: rowHeight, onActive: setActive }}
                class={names.join(" ").trim()}
                tabIndex={index === current ? 0 : -1}
              />
            );
          })}
          <Space height={(rows.length - end) * rowHeight} />
        </tbody>
      </table>
    </div>
  );
}

function Head<T>({ columns, sort, onSort }: TableProps<T>) {
  return (
    <thead>
      <tr aria-rowindex={1}>
        {columns.map(({ key, header, sortable, ...column }) => {
          const sorted = sort?.key === key ? (sort.descending ? "descending" : "ascending") : undefined;
          return (
            <th key={key} scope="col" class={column.class ?? ""} aria-sort={sorted}>
              {sortable === true ? (
                <button type="button" class="sort" onClick={() => onSort?.(key)}>
                  {header}
                  {sorted !== undefined && (
                    <span aria-hidden="true">{sorted === "descending" ? "▼" : "▲"}</span>
                  )}
                </button>
              ) : (
                header
              )}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

function Space({ height }: { height: number }) {
  return height <= 0 ? null : <tr aria-hidden="true" class="space" style={{ height: `${height}px` }} />;
}

function focusIn(box: HTMLElement | null): boolean {
  return box?.contains(document.activeElement) === true;
}
