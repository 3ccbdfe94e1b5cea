import type { Bucket, Point } from "../api/metrics";
import { numberOf } from "../lib/number";
import { seconds } from "../lib/time";
import { Columns, type Row } from "./columns";

/** The columns of a series, which readers do not change; NaN is where a point has no such number. */
export interface PointColumns {
  /** Whether early points are buckets of several points each: `value` is then the last of each. */
  bucketed: boolean;
  /** Seconds since 1970, ascending. */
  time: Float64Array;
  value: Float64Array;
  low: Float64Array;
  high: Float64Array;
  /** The sum of each bucket; of a point its value. */
  sum: Float64Array;
  /** Step and epoch of each point, or of the last point of each bucket. */
  step: Float64Array;
  epoch: Float64Array;
}

/** A series as charts read it. */
export interface SeriesView extends PointColumns {
  name: string;
  /** Whether the history has been read. */
  ready: boolean;
  /** The newest value as it was sent. */
  text: string;
}

/** Points of one time range of the stream: those that arrived after `after`, up to `id`. */
export interface Batch {
  after: number;
  id: number;
  points: readonly Point[];
}

/** What a batch did to a series. `fetch` means that it fits neither before nor after what is known. */
export type Taken = "ignored" | "added" | "fetch";

/** The points of one series up to a position, which batches of the stream extend without a gap or a double. */
export class Series {
  private columns = new Columns();
  private text = "";
  private bucketed = false;
  /** Everything that arrived after this position is there point by point. */
  private exactFrom = Infinity;
  /** Everything up to this position is there. */
  cursor = -1;

  constructor(readonly name: string) {}

  /** How many points or buckets there are. */
  get length(): number {
    return this.columns.length;
  }

  /** Whether the history has been read. */
  get ready(): boolean {
    return this.cursor >= 0;
  }

  /** Replaces everything by all points up to a position. */
  setPoints(points: readonly Point[], cursor: number): void {
    this.columns = new Columns();
    this.bucketed = false;
    for (const point of points) this.columns.add(rowOf(point));
    this.text = points.at(-1)?.value ?? "";
    this.exactFrom = -1;
    this.cursor = cursor;
  }

  /** Replaces everything by buckets of all points up to a position. */
  setBuckets(buckets: readonly Bucket[], cursor: number): void {
    this.columns = new Columns();
    this.bucketed = buckets.some(({ count }) => count > 1);
    for (const bucket of buckets) this.columns.add(bucketRow(bucket));
    this.text = String(buckets.at(-1)?.last ?? "");
    this.exactFrom = cursor;
    this.cursor = cursor;
  }

  /** Adds what arrived after the cursor up to a new one. */
  extend(points: readonly Point[], cursor: number): void {
    for (const point of points) this.add(point);
    this.cursor = cursor;
  }

  /** Takes a batch of the stream. */
  take({ after, id, points }: Batch): Taken {
    if (id <= this.cursor) return "ignored";
    if (after >= this.cursor) {
      this.extend(points, id);
      return points.length > 0 ? "added" : "ignored";
    }
    if (points.length === 0) {
      this.cursor = id;
      return "ignored";
    }
    if (after < this.exactFrom) return "fetch";
    this.addUnknown(points);
    this.cursor = id;
    return "added";
  }

  /** Forgets the points before a time. */
  dropBefore(time: number): void {
    this.columns.dropBefore(time);
  }

  /** Returns the series for charts. */
  view(): SeriesView {
    const { columns } = this;
    return {
      name: this.name,
      ready: this.ready,
      bucketed: this.bucketed,
      time: columns.view("time"),
      value: columns.view("value"),
      low: columns.view("low"),
      high: columns.view("high"),
      sum: columns.view("sum"),
      step: columns.view("step"),
      epoch: columns.view("epoch"),
      text: this.text,
    };
  }

  /** Adds the points of a batch that begins before the cursor: some of them are there already. */
  private addUnknown(points: readonly Point[]): void {
    const rows = points.map(rowOf);
    // A point that was sent twice is there twice, so equal ones are counted.
    const present = new Map(rows.map((row) => [rowKey(row), this.columns.count(row)]));
    points.forEach((point, index) => {
      const row = rows[index];
      const left = row === undefined ? 0 : (present.get(rowKey(row)) ?? 0);
      if (row !== undefined && left > 0) present.set(rowKey(row), left - 1);
      else this.add(point);
    });
  }

  private add(point: Point): void {
    this.columns.add(rowOf(point));
    this.text = point.value;
  }
}

function rowOf({ date, value, step, epoch }: Point): Row {
  const number = numberOf(value);
  return {
    time: seconds(date),
    value: number,
    low: number,
    high: number,
    sum: number,
    step: step ?? NaN,
    epoch: epoch ?? NaN,
  };
}

function rowKey({ time, value, step }: Row): string {
  return `${time} ${value} ${step}`;
}

function bucketRow({ end, last, min, max, sum, step, epoch }: Bucket): Row {
  // A bucket without a number is a gap.
  const number = (bound: number | null) => bound ?? NaN;
  return {
    time: seconds(end),
    value: number(last),
    low: number(min),
    high: number(max),
    sum: number(sum),
    step: number(step),
    epoch: number(epoch),
  };
}
