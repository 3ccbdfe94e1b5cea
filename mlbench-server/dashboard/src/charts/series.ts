/** A curve of a chart. All arrays have the same length, and `x` grows or stays. */
export interface ChartSeries {
  /** Identifies the curve over updates, for instance `3:train_loss @ 0`. */
  key: string;
  /** What the legend says: only what differs between the curves of the chart. */
  label: string;
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
