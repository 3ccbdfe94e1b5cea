import { computed, useSignalEffect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import { timeZone } from "../lib/settings";
import { ChartButtons } from "./buttons";
import { hiddenText } from "./extent";
import { headClass } from "./head_class";
import type { ChartGroup } from "./group";
import { keyAction } from "./keys";
import { Legend } from "./legend_list";
import { modelOf } from "./model";
import { palette } from "./palette";
import { Plot, reachOf } from "./plot";
import type { ChartSeries, Range, Scale, Unit, XAxis } from "./series";
import { summaryText } from "./summary";
import { axisName, positionText, rangeText, valueText } from "./texts";
import { local, utc } from "./time_ticks";
import { useWidth } from "./use_width";
import { valueAtText } from "./values";

/** What a chart shows. */
export interface ChartProps {
  title: string;
  series: readonly ChartSeries[];
  axis: XAxis;
  /** Shared by the charts of a page: zoom and crosshair. */
  group: ChartGroup;
  scale?: Scale;
  /** Half-life of the smoothing in units of x; 0 is none. */
  halfLife?: number;
  unit?: Unit;
  height?: number;
  /** A small chart: no legend for a single curve, and its buttons show themselves when needed. */
  compact?: boolean;
  /** All of the x axis, where it is more than the points have. */
  whole?: Range;
  /** A value that the y axis reaches down to at least. */
  floor?: number;
  /** The name for people who do not see the chart, where the title is not enough. */
  name?: string;
  /** Further buttons. */
  extra?: ComponentChildren;
  loading?: boolean;
  /** Said where there are no points. */
  empty?: string;
  /** Called when another part comes into view, with the width of the plot: time to fetch its detail. */
  onZoom?: (zoom: Range | null, pixels: number) => void;
}

/** The code of table and downloads, loaded when one of them is first used. */
type Extras = typeof import("./extras");

const NONE: ReadonlySet<string> = new Set();

/** A chart of curves, with legend, table and downloads. */
export function Chart(props: ChartProps) {
  const { title, series, axis, group, scale = "linear", halfLife = 0, unit = "number" } = props;
  const { whole, floor, name = title } = props;
  const { height = props.compact === true ? 120 : 240, compact = false } = props;
  const id = useId();
  const root = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const width = useWidth(root);
  const [hidden, setHidden] = useState(NONE);
  const [focus, setFocus] = useState<string | null>(null);
  const [Table, setTable] = useState<Extras["Table"]>();
  const [problem, setProblem] = useState("");
  const [spoken, setSpoken] = useState("");
  const offset = timeZone.value === "utc" ? utc : local;
  const colors = palette.value;
  const zoom = group.zoom.value;

  const shown = useMemo(() => series.filter(({ key }) => !hidden.has(key)), [series, hidden]);
  const model = useMemo(
    () => modelOf({ series: shown, all: series, axis, scale, unit, halfLife, zoom, offset, whole, floor }),
    [shown, series, axis, scale, unit, halfLife, zoom, offset, whole, floor],
  );
  const state = { model, width, height, palette: colors, focus, compact };
  const { view } = model;
  const note = hiddenText(model.extent);
  const onZoom = useRef(props.onZoom);
  useLayoutEffect(() => {
    onZoom.current = props.onZoom;
    plot.current?.update(state);
  });

  const { points } = model.extent;
  const waits = props.loading === true && points === 0;
  const drawable = width > 0 && !waits;
  // An empty canvas costs as much as a full one; once there is a plot, it stays.
  const begun = useRef(false);
  begun.current ||= drawable;
  const ready = begun.current;
  const latest = useRef(state);
  latest.current = state;
  useLayoutEffect(() => {
    const element = root.current;
    if (!ready || element === null) return;
    const made = new Plot(element, latest.current, {
      zoom: (range) => (group.zoom.value = range),
      reset: () => (group.zoom.value = null),
      cursor: (x) => (group.cursor.value = x),
    });
    plot.current = made;
    return () => {
      plot.current = null;
      made.destroy();
    };
  }, [ready, group]);

  useSignalEffect(() => {
    const at = group.cursor.value;
    plot.current?.cursor(at);
  });
  const wasZoomed = useRef<Range | null>(null);
  useEffect(() => {
    if (zoom === wasZoomed.current || plot.current === null) return;
    wasZoomed.current = zoom;
    onZoom.current?.(zoom, plot.current.pixels);
  }, [zoom, ready]);

  const valueOf = useMemo(() => {
    const lines = new Map(shown.map((curve, index) => [curve.key, model.lines[index]]));
    return (curve: ChartSeries, at: number | null) =>
      valueAtText(curve, lines.get(curve.key) ?? curve.y, at, model.view, reachOf(model.view), unit);
  }, [shown, model, unit]);
  const value = useMemo(
    () =>
      computed(() => {
        const at = group.read.value;
        return (curve: ChartSeries) => valueOf(curve, at);
      }),
    [group, valueOf],
  );

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || plot.current === null) return;
    const step = (view[1] - view[0]) / plot.current.pixels;
    const at = group.cursor.value;
    const action = keyAction(event.key, event.shiftKey, { curves: shown.map(({ x }) => x), view, at, step });
    if (action === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (action.zoom !== undefined) group.zoom.value = action.zoom;
    if (action.cursor === undefined) return;
    group.cursor.value = action.cursor;
    setSpoken(action.cursor === null ? "" : spokenText(action.cursor));
  };
  const spokenText = (at: number) => {
    const values = shown.slice(0, 5).map((curve) => `${curve.label}: ${valueOf(curve, at)}`);
    const more = shown.length > 5 ? `, and ${shown.length - 5} more curves` : "";
    return `${positionText(at, axis, offset)}. ${values.join(", ")}${more}`;
  };

  const onDemand = (use: (code: Extras) => void) => {
    import("./extras").then(
      (code) => {
        setProblem("");
        use(code);
      },
      () => setProblem("The code for this could not be loaded; reload the page."),
    );
  };

  const single = series.length === 1 ? series[0] : undefined;
  // The title names a single curve well enough.
  const named =
    series.length > 1 ||
    (single !== undefined && !compact && (single.note !== undefined || !title.includes(single.label)));
  const xName = axisName(axis, offset);
  const saveCsv = () => onDemand(({ saveCsv }) => saveCsv(name, series, xName, axis));
  const saveSvg = () => onDemand(({ saveSvg }) => saveSvg(name, model, colors, note));
  const toggleTable = () =>
    Table === undefined ? onDemand((code) => setTable(() => code.Table)) : setTable(undefined);
  const blank = waits ? "Loading …" : points === 0 ? emptyText(props, zoom) : "";
  return (
    <figure class={compact ? "chart chart-compact" : "chart"} aria-labelledby={`${id}-title`}>
      <div class={headClass(title)}>
        <h3 id={`${id}-title`} title={title}>
          <bdi>{title}</bdi>
        </h3>
        <Position
          group={group}
          text={(at) => positionText(at, axis, offset)}
          usual={zoom === null ? "" : rangeText(zoom, axis, offset)}
          {...(!named && single !== undefined && { value: (at) => valueOf(single, at) })}
        />
        {zoom !== null && (
          <button
            type="button"
            class="chart-reset"
            aria-label={`Reset zoom of ${name}`}
            onClick={() => (group.zoom.value = null)}
          >
            Reset zoom
          </button>
        )}
      </div>
      <div
        ref={root}
        class="chart-plot"
        role="application"
        aria-roledescription="chart"
        aria-label={name}
        aria-describedby={`${id}-summary`}
        tabIndex={0}
        style={{ height: `${height}px` }}
        onKeyDown={onKeyDown}
        onBlur={() => (group.cursor.value = null)}
      >
        {blank !== "" && <p class="chart-blank">{blank}</p>}
      </div>
      {note !== "" && <p class="chart-note">{note}</p>}
      {problem !== "" && (
        <p class="chart-note" role="alert">
          {problem}
        </p>
      )}
      <div class="chart-foot">
        {named && (
          <Legend series={series} hidden={hidden} value={value} onHide={setHidden} onFocus={setFocus} />
        )}
        <ChartButtons
          name={name}
          open={Table !== undefined}
          onTable={toggleTable}
          onSvg={saveSvg}
          onCsv={saveCsv}
        >
          {props.extra}
        </ChartButtons>
      </div>
      <p id={`${id}-summary`} class="unseen">
        {summaryText(shown, (value) => valueText(value, unit))} Arrow keys move the crosshair, with Shift by
        ten points; plus and minus zoom, Escape shows everything.
      </p>
      <p class="unseen" aria-live="polite">
        {spoken}
      </p>
      {Table !== undefined && (
        <Table
          title={name}
          series={shown}
          xName={xName}
          xText={(x) => positionText(x, axis, offset)}
          unit={unit}
        />
      )}
    </figure>
  );
}

function emptyText({ empty }: ChartProps, zoom: Range | null): string {
  return zoom === null ? (empty ?? "No points yet.") : "No points in this part of the axis.";
}

/** The x under the crosshair, or what is in view; for a chart without a legend also the value there. */
function Position(props: {
  group: ChartGroup;
  text: (at: number) => string;
  usual: string;
  value?: (at: number | null) => string;
}) {
  const { group, text, usual, value } = props;
  const at = group.read.value;
  return (
    <p class="chart-position">
      {at === null ? usual : text(at)}
      {value !== undefined && <strong>{value(at)}</strong>}
    </p>
  );
}
