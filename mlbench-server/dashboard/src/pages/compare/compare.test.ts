import assert from "node:assert/strict";
import { test } from "node:test";

import { testSeries } from "../../api/fixtures";
import type { Comparison, Estimate, Group, Training } from "../../api/wire";
import { summaryText } from "../../charts/summary";
import { parseIds } from "../../lib/ids";
import { fits, idsText, readCompared, requestQuery, withRuns } from "./address";
import { familiesOf } from "./families";
import { bandwidthsOf, phasesOf, speedUpsOf, timesOf } from "./results";
import { goalCurve, sharedMetrics } from "./metrics";
import { areRepeated, groupsWith, noteOf, readRepeats, withMedians } from "./repeats";
import { clockText, goalText, intervalNote, summaryRows } from "./summary";

function estimate(median: number, n = 1, high: number | null = median): Estimate {
  return { n, median, low: median, high, interval: "min_max" };
}

function training(run: number, seconds: number | null, pending = false): Training {
  const reached = seconds !== null;
  return { run, number: 1, reached, seconds, date: null, reason: null, pending, best: null };
}

function group(workers: number, changes: Partial<Group> = {}): Group {
  return {
    label: workers === 1 ? "1 worker" : `${workers} workers`,
    names: ["fit"],
    runs: [workers],
    parameters: {
      image: null,
      command: "train",
      backend: null,
      run_all_nodes: false,
      num_workers: workers,
      num_cpus: null,
      max_bandwidth: null,
      gpu_enabled: false,
      light_target: false,
      use_horovod: false,
    },
    oversubscribed: false,
    n: 1,
    reached: 1,
    time_to_accuracy: estimate(8 / workers),
    no_time_reason: null,
    baseline: 0,
    speed_up: estimate(workers * 0.9),
    efficiency: estimate(0.9),
    no_speed_up_reason: null,
    phases: null,
    trainings: [training(workers, 8 / workers)],
    all_reduce: [],
    ...changes,
  };
}

function comparison(groups: Group[]): Comparison {
  return {
    metric: "val_global_Prec@1 @ 0",
    direction: "at_least",
    goal: 89,
    clock: "training",
    cores: 2,
    groups,
    runs: [],
    warnings: [],
  };
}

test("ids read back from lists and ranges", () => {
  assert.deepEqual(parseIds("3, 1-2,,x,0,2"), [1, 2, 3]);
  assert.equal(idsText([1, 2, 30]), "1,2,30");
  const many = Array.from({ length: 900 }, (_, index) => index + 100);
  assert.equal(idsText([7, ...many]), "7,100-999");
  assert.deepEqual(parseIds(idsText([7, ...many])), [7, ...many]);
  assert.equal(parseIds("1-999999999").length, 1000);
  assert.deepEqual(parseIds("5-1"), []);
});

test("an address holds only so many scattered runs", () => {
  const scattered = (count: number) => Array.from({ length: count }, (_, index) => 10_001 + 2 * index);
  assert.ok(fits(scattered(40)));
  assert.ok(!fits(scattered(80)));
  assert.ok(fits(Array.from({ length: 1000 }, (_, index) => index + 1)));
});

test("the request has only what the address says", () => {
  const compared = readCompared(new URLSearchParams("runs=1-3&direction=up&baseline=9"));
  assert.equal(requestQuery(compared).toString(), "runs=1%2C2%2C3");
  const full = readCompared(
    new URLSearchParams("runs=1-3&direction=at_most&baseline=2&metric=loss&goal=0,5"),
  );
  assert.equal(
    requestQuery(full).toString(),
    "runs=1%2C2%2C3&metric=loss&goal=0.5&direction=at_most&baseline=2",
  );
});

test("runs that are gone leave the request, as a baseline too", () => {
  const compared = readCompared(new URLSearchParams("runs=1-3&baseline=2"));
  assert.equal(requestQuery(withRuns(compared, [1, 3])).toString(), "runs=1%2C3");
  assert.equal(requestQuery(withRuns(compared, [2])).toString(), "runs=2&baseline=2");
});

test("groups that differ in their workers only are one family", () => {
  const other = group(2, { label: "2 workers, gloo" });
  other.parameters = { ...other.parameters, backend: "gloo" };
  const families = familiesOf(comparison([group(4), group(1), other]));
  assert.deepEqual(
    families.map(({ label, groups }) => [label, groups.map(({ parameters }) => parameters.num_workers)]),
    [
      ["Median", [1, 4]],
      ["gloo", [2]],
    ],
  );
});

test("each training has a dot, and one without the goal a cross", () => {
  const never = { ...training(1, null), reason: "no points of val_loss" };
  const trainings = [training(1, 8), training(1, null), training(1, null, true), never];
  const { scatter, numbers } = timesOf(comparison([group(1, { trainings })]));
  assert.deepEqual(
    scatter.groups[0]?.dots.map(({ y }) => y),
    [8, undefined],
  );
  assert.deepEqual(
    numbers.rows.map((row) => row.at(-1)),
    ["reached", "not reached", "active", "no points of val_loss"],
  );
});

test("the speed-up has its efficiency, the ideal line, and hollow points where cores are missing", () => {
  const found = speedUpsOf(comparison([group(1), group(4, { oversubscribed: true })]));
  const middles = found?.scatter.groups[0]?.middles ?? [];
  assert.deepEqual(
    middles.map(({ text, hollow }) => [text, hollow]),
    [
      ["", false],
      ["90 %", true],
    ],
  );
  assert.deepEqual(found?.scatter.ideal?.points, [
    [1, 1],
    [4, 4],
  ]);
  assert.equal(speedUpsOf(comparison([group(1)])), undefined);
});

test("bars show transfer and waiting instead of communication where both are known", () => {
  const seconds = { compute: 6, communication: 2, transfer: 1.5, waiting: 0.5, other: 2 };
  const shares = { compute: 0.6, communication: 0.2, transfer: 0.15, waiting: 0.05, other: 0.2 };
  const phases = { source: "totals", total: 10, seconds, shares, steps: {} } as const;
  const { bars, legend } = phasesOf(comparison([group(2, { phases }), group(1)]));
  assert.deepEqual(
    bars.map(({ label, text, parts }) => [label, text, parts.length]),
    [["2 workers", "10 s", 4]],
  );
  assert.deepEqual(
    legend.map(({ label }) => label),
    ["Compute", "Transfer", "Waiting", "Other"],
  );
});

test("bus bandwidth has a line for each group and width", () => {
  const entry = (bytes: number, element_bits: number) => ({
    bytes,
    element_bits,
    seconds: estimate(0.1),
    algorithm_bandwidth: bytes * 10,
    bus_bandwidth: bytes * 10,
  });
  const all_reduce = [entry(2048, 32), entry(1024, 32), entry(1024, 16)];
  const found = bandwidthsOf(comparison([group(2, { all_reduce })]));
  assert.ok(found !== undefined);
  assert.deepEqual(
    found.scatter.groups.map(({ label, middles }) => [label, middles.map(({ x }) => x)]),
    [
      ["2 workers, 32 bits", [1024, 2048]],
      ["2 workers, 16 bits", [1024]],
    ],
  );
  assert.equal(found.numbers.columns[5], "Bus bandwidth (GB/s)");
  assert.deepEqual(found.numbers.rows[0], ["2 workers", "2 KiB", "32", "0.1", "2.048e−5", "2.048e−5"]);
  assert.equal(bandwidthsOf(comparison([group(2)])), undefined);
});

test("the summary says what was reached, how surely, and why not", () => {
  const missed = group(4, {
    n: 3,
    reached: 1,
    time_to_accuracy: null,
    no_time_reason: "2 of 3 trainings did not reach the goal",
    speed_up: null,
    efficiency: null,
    trainings: [training(4, null, true)],
  });
  const open = group(2, { time_to_accuracy: { ...estimate(4, 3), low: 3, high: null } });
  const all = comparison([group(1), open, missed]);
  const rows = summaryRows(all);
  assert.deepEqual(
    rows.map(({ n, reached, time, timeInterval, speedUp, speedUpInterval }) => [
      n,
      reached,
      time,
      timeInterval,
      speedUp,
      speedUpInterval,
    ]),
    [
      ["1", "1 of 1", "8.0 s", "one training", "1", "baseline"],
      ["1", "1 of 1", "4.0 s", "3.0 s or more", "1.8", "one training"],
      ["3 + 1 active", "1 of 3", "not reached", "", "–", ""],
    ],
  );
  assert.equal(rows[2]?.reason, "2 of 3 trainings did not reach the goal.");
  assert.equal(goalText(all), "val_global_Prec@1 @ 0 ≥ 89");
  assert.match(intervalNote(all), /smallest to the largest/);
});

test("without a goal nothing is reached or missed", () => {
  const none = comparison([
    group(1, { reached: 0, time_to_accuracy: null, no_time_reason: "no goal for x" }),
  ]);
  const all = { ...none, goal: null };
  const [row] = summaryRows(all);
  assert.deepEqual([row?.reached, row?.time, row?.workers], ["–", "–", "1"]);
  assert.deepEqual([goalText(all), clockText(all)], ["none for val_global_Prec@1 @ 0", ""]);
});

test("a run that executes elsewhere need not say its workers", () => {
  const { parameters } = group(1);
  const rows = [1, 4].map((num_workers) =>
    group(num_workers, { parameters: { ...parameters, num_workers, external: true } }),
  );
  assert.deepEqual(
    summaryRows(comparison(rows)).map(({ workers }) => workers),
    ["–", "4"],
  );
});

test("metrics of runs are arranged by what is compared, losses and accuracies, then the others", () => {
  const { main, others } = sharedMetrics(
    new Map([
      [
        1,
        [
          testSeries("agg @ 0"),
          testSeries("train_loss @ 1"),
          testSeries("train_loss @ 0"),
          testSeries("TaskResult @ 0", 1, "ok"),
        ],
      ],
      [2, [testSeries("train_loss @ 3"), testSeries("val_global_Prec@1 @ 0"), testSeries("comp_loss @ 0")]],
    ]),
    "val_global_Prec@1 @ 0",
  );
  assert.deepEqual(
    main.map(({ title, names }) => [title, [...names]]),
    [
      ["val_global_Prec@1", [[2, "val_global_Prec@1 @ 0"]]],
      [
        "train_loss",
        [
          [1, "train_loss @ 0"],
          [2, "train_loss @ 3"],
        ],
      ],
    ],
  );
  assert.deepEqual(
    others.map(({ title }) => title),
    ["agg", "comp_loss"],
  );
});

test("repeats become their median with a band, and other runs stay as they are", () => {
  const curve = (run: number, ...y: number[]) => ({
    run,
    curve: {
      key: String(run),
      label: `#${run}`,
      color: run,
      x: Float64Array.from(y.keys()),
      y: Float64Array.from(y),
    },
  });
  const groups = [
    { runs: [1, 3, 9], label: "1 worker" },
    { runs: [2], label: "2 workers" },
  ];
  const drawn = withMedians([curve(1, 1, 2), curve(2, 7, 7), curve(3, 3, 6), curve(8, 0)], groups);
  assert.deepEqual(
    drawn.map(({ key, label, note, color }) => [key, label, note, color]),
    [
      ["group 1", "1 worker", "median of 2, band min–max", 1],
      ["2", "#2", undefined, 2],
      ["8", "#8", undefined, 8],
    ],
  );
  assert.deepEqual(drawn[0]?.y, Float64Array.of(2, 4));
  assert.deepEqual([drawn[0].low, drawn[0].high], [Float64Array.of(1, 2), Float64Array.of(3, 6)]);
  const five = [1, 2, 3, 4, 5].map((run) => curve(run, run));
  assert.equal(withMedians(five, [{ runs: [1, 2, 3, 4, 5], label: "x" }])[0]?.note, "median of 5, band IQR");
});

test("the legend says what distinguishes the groups of single runs, with medians beside them too", () => {
  const groups = [
    { runs: [1, 3], label: "1 worker" },
    { runs: [2], label: "2 workers" },
  ];
  assert.deepEqual(
    [1, 2, 3, 4].map((run) => noteOf(run, groups).note),
    ["1 worker", "2 workers", "1 worker", undefined],
  );
  const shown = groupsWith(new Set([1, 3, 4]), groups);
  assert.deepEqual(shown, groups.slice(0, 1));
  assert.deepEqual(noteOf(1, shown), {}, "one group needs no distinction");
  const curves = [1, 2, 3].map((run) => ({
    run,
    curve: {
      key: String(run),
      label: `#${run}`,
      ...noteOf(run, groups),
      color: run,
      x: Float64Array.of(1),
      y: Float64Array.of(run),
    },
  }));
  const drawn = withMedians(curves, groups);
  assert.deepEqual(
    drawn.map(({ label, note }) => [label, note]),
    [
      ["1 worker", "median of 2, band min–max"],
      ["#2", "2 workers"],
    ],
  );
  const words = summaryText(drawn, String);
  assert.match(words, /1 worker \(median of 2, band min–max\): 1 point, .*#2 \(2 workers\): 1 point,/);
  const low = Float64Array.of(0);
  const buckets = drawn.map((curve) => ({ ...curve, derived: false, low, high: low }));
  assert.match(summaryText(buckets, String), /1 bucket,.* 1 bucket,/);
});

test("single curves are an own view, offered where runs repeat", () => {
  const groups = [{ runs: [1, 3] }, { runs: [2] }];
  assert.ok(areRepeated(groups, [1, 2, 3]));
  assert.ok(!areRepeated(groups, [1, 2]));
  assert.equal(readRepeats(new URLSearchParams("repeats=single")), "single");
  assert.equal(readRepeats(new URLSearchParams("repeats=x")), "median");
});

test("the line of the goal is as long as the curves", () => {
  const curve = { key: "1", label: "1", color: 0, y: Float64Array.of(1, 2) };
  const line = goalCurve(89, "Goal", [
    { ...curve, x: Float64Array.of(2, 5) },
    { ...curve, x: Float64Array.of(1, NaN) },
  ]);
  assert.deepEqual([line?.x, line?.y], [Float64Array.of(1, 5), Float64Array.of(89, 89)]);
  assert.equal(goalCurve(89, "Goal", []), undefined);
});
