/** A curve of a chart. All arrays have the same length, and `x` grows or stays. */
export interface ChartSeries {
  /** Identifies the curve over updates, for instance `3:train_loss @ 0`. */
  key: string;
  /** The full name; the legend shows of it what differs between the curves of the chart. */
  label: string;
  /** What the legend always shows beside the name. */
  note?: string;
  /** Whether it is computed from other curves: `low` and `high` are then a band around points, not buckets. */
  derived?: boolean;
  /** Index into the palette; the same run has the same everywhere. Beyond 8 the curve is dashed. */
  color: number;
  x: Float64Array;
  /** Values that the line draws; NaN is a gap. */
  y: Float64Array;
  /** Least and greatest value of each bucket where the points are buckets. */
  low?: Float64Array;
  high?: Float64Array;
}

/** What the x axis means. Time axes hold seconds: absolute (since 1970), or relative to the start. */
export type XAxis = "step" | "epoch" | "relative" | "wall" | "training";

/** How values map to positions. */
export type Scale = "linear" | "log10" | "log2";

/** What the values of a chart measure, for their texts. */
export type Unit = "number" | "bytes" | "bytes/s" | "seconds" | "cores" | "percent";

/** A part of an axis, from its least to its greatest value. */
export type Range = readonly [number, number];
