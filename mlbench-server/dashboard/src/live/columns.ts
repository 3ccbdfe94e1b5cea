/** The points of a series in columns that grow. `low` and `high` differ from `value` where a point is a bucket. */
export class Columns {
  length = 0;
  private start = 0;
  private readonly data: Record<Column, Float64Array> = {
    time: new Float64Array(FIRST),
    value: new Float64Array(FIRST),
    low: new Float64Array(FIRST),
    high: new Float64Array(FIRST),
    sum: new Float64Array(FIRST),
    step: new Float64Array(FIRST),
    epoch: new Float64Array(FIRST),
  };

  /** Adds a point in order of time; several of one time keep the order in which they arrive. */
  add(point: Row): void {
    this.reserve();
    let place = this.start + this.length;
    while (place > this.start && (this.data.time[place - 1] ?? 0) > point.time) place -= 1;
    for (const column of COLUMNS) {
      const array = this.data[column];
      array.copyWithin(place + 1, place, this.start + this.length);
      array[place] = point[column];
    }
    this.length += 1;
  }

  /** Returns a column. It stays as it is while points are added at its end. */
  view(column: Column): Float64Array {
    return this.data[column].subarray(this.start, this.start + this.length);
  }

  /** Whether a point with these values is among those from a time on. */
  count(point: Row): number {
    let found = 0;
    const { time, value, step } = this.data;
    for (let index = this.start + this.length - 1; index >= this.start; index -= 1) {
      if ((time[index] ?? 0) < point.time) break;
      const same = Object.is(time[index], point.time) && Object.is(value[index], point.value);
      if (same && Object.is(step[index], point.step)) found += 1;
    }
    return found;
  }

  /** Forgets the points before a time. */
  dropBefore(time: number): void {
    while (this.length > 0 && (this.data.time[this.start] ?? Infinity) < time) {
      this.start += 1;
      this.length -= 1;
    }
  }

  private reserve(): void {
    const capacity = this.data.time.length;
    if (this.start + this.length < capacity) return;
    // New arrays, as charts may still hold views of the old ones.
    const next = this.start > capacity / 2 ? capacity : capacity * 2;
    for (const column of COLUMNS) {
      const array = new Float64Array(next);
      array.set(this.view(column));
      this.data[column] = array;
    }
    this.start = 0;
  }
}

const FIRST = 64;

/** A point with a number for each column; NaN where there is none. */
export type Row = Record<Column, number>;
export type Column = "time" | "value" | "low" | "high" | "sum" | "step" | "epoch";
const COLUMNS: readonly Column[] = ["time", "value", "low", "high", "sum", "step", "epoch"];
