import assert from "node:assert/strict";
import { test } from "node:test";

import { testRun } from "../../api/fixtures";
import type { Run } from "../../api/wire";
import cases from "../../../../../mlbench-core/src/metric/measures.json";
import { choose } from "./choose";
import { choices, filterRuns } from "./filter";
import { groupedItems, keyOf, runsOf } from "./group";
import { shortProgram, sortRuns } from "./sort";
import { SPARK, sparkPath, downsampled } from "./spark";
import { isFiltered, NO_BACKEND, NO_IMAGE, readView, sortParameter } from "./view";

function run(id: number, changes: Partial<Run> = {}, command = "train"): Run {
  const created_at = `2026-11-26T12:00:${String(id).padStart(2, "0")}.000000Z`;
  return testRun({ id, name: `run ${id}`, created_at, ...changes }, { command });
}

function shown(runs: readonly Run[], query: string): number[] {
  return filterRuns(runs, readView(new URLSearchParams(query))).runs.map(({ id }) => id);
}

test("every word has to occur in the id, name, image or command", () => {
  const runs = [
    run(1, { name: "Cifar <script>", image: "mlbench/resnet:latest" }),
    run(2, {}, "python CIFAR.py"),
    run(17),
  ];
  assert.deepEqual(shown(runs, "q=cifar"), [1, 2]);
  assert.deepEqual(shown(runs, "q=cifar+resnet"), [1]);
  assert.deepEqual(shown(runs, "q=17"), [17]);
  assert.deepEqual(shown(runs, "q=%3Cscript%3E"), [1]);
  assert.deepEqual(shown(runs, "q=nothing"), []);
});

test("image, backend, workers and states narrow the list together", () => {
  const runs = [
    run(1, { image: "a", backend: "mpi" }),
    run(2, { image: "a", num_workers: 4, state: "FAILED" }),
    run(3, { state: "INITIALIZED", queue_position: 1, finished_at: null }),
  ];
  assert.deepEqual(shown(runs, "image=a"), [1, 2]);
  assert.deepEqual(shown(runs, `image=${NO_IMAGE}`), [3]);
  assert.deepEqual(shown(runs, `backend=${NO_BACKEND}&workers=4`), [2]);
  assert.deepEqual(shown(runs, "state=Failed,Queued"), [2, 3]);
});

test("states are counted as if none were chosen", () => {
  const runs = [run(1), run(2, { state: "FAILED" }), run(3, { num_workers: 8 })];
  const { counts } = filterRuns(runs, readView(new URLSearchParams("state=Failed&workers=2")));
  assert.deepEqual(
    [...counts],
    [
      ["Finished", 1],
      ["Failed", 1],
    ],
  );
});

test("selects offer the values that occur", () => {
  const runs = [run(1, { image: "b", num_workers: 16 }), run(2, { backend: "mpi" }), run(3)];
  assert.deepEqual(choices(runs), {
    images: [NO_IMAGE, "b"],
    backends: [NO_BACKEND, "mpi"],
    workers: [2, 16],
  });
});

test("runs are sorted by a column and then by descending id", () => {
  const runs = [run(1, { name: "lr 10" }), run(2, { name: "lr 9" }), run(3, { name: "LR 10" })];
  const sorted = (key: string, descending: boolean) =>
    sortRuns(runs, { key, descending }, 0).map(({ id }) => id);
  assert.deepEqual(sorted("id", true), [3, 2, 1]);
  assert.deepEqual(sorted("name", false), [2, 3, 1]);
  assert.deepEqual(sorted("name", true), [3, 1, 2]);
  assert.deepEqual(sorted("duration", true), [1, 2, 3]);
  assert.deepEqual(sorted("constructor", false), [1, 2, 3]);
});

test("a second click on a column turns its order", () => {
  const first = sortParameter({ key: "id", descending: true }, "name");
  assert.equal(first, "name");
  assert.equal(sortParameter(readView(new URLSearchParams({ sort: first })).sort, "name"), "-name");
  assert.equal(sortParameter({ key: "id", descending: true }, "duration"), "-duration");
});

test("a view without a filter hides nothing", () => {
  assert.equal(isFiltered(readView(new URLSearchParams("sort=name&group=1"))), false);
  assert.equal(isFiltered(readView(new URLSearchParams("state=Failed"))), true);
});

test("runs with equal parameters are one row with the median of the finished ones", () => {
  const ended = (id: number, end: string, state: Run["state"] = "FINISHED") =>
    run(id, {
      created_at: "2026-11-26T12:00:00.000000Z",
      finished_at: `2026-11-26T12:${end}.000000Z`,
      state,
    });
  const runs = [
    ended(4, "00:10"),
    run(3, { backend: "mpi" }),
    ended(2, "00:30"),
    ended(1, "09:00", "FAILED"),
  ];
  const [group, single] = groupedItems(runs, new Set());
  assert.ok(group !== undefined && "group" in group && single !== undefined && "run" in single);
  assert.deepEqual(
    group.group.runs.map(({ id }) => id),
    [4, 2, 1],
  );
  assert.equal(group.group.median, 20_000);
  assert.equal(single.run.id, 3);
  const open = groupedItems(runs, new Set([keyOf(group)]));
  assert.deepEqual(
    open.flatMap((item) => ("run" in item ? runsOf(item).map(({ id }) => id) : [])),
    [4, 2, 1, 3],
  );
});

test("a group in which nothing finished has no median", () => {
  const [group] = groupedItems([run(1, { state: "FAILED" }), run(2, { state: "FAILED" })], new Set());
  assert.ok(group !== undefined && "group" in group && Number.isNaN(group.group.median));
});

test("the metrics that stand for a run are those that the server chooses", () => {
  assert.ok(cases.length > 0);
  for (const { why, names, accuracy, loss } of cases) {
    assert.deepEqual(choose(names), { accuracy: accuracy ?? undefined, loss: loss ?? undefined }, why);
  }
});

test("a sparkline spans its box and breaks at what is no number", () => {
  assert.equal(sparkPath([1, NaN]), "");
  assert.equal(sparkPath([0, 1]), `M1.0 ${(SPARK.height - 2).toFixed(1)}L${SPARK.width - 1}.0 2.0`);
  assert.equal(sparkPath([0, 1, NaN, 1, 0]).split("M").length, 3);
  assert.ok(!sparkPath([5, 5, 5]).includes("NaN"));
});

test("a long series is downsampled at equal distances and keeps its last value", () => {
  const values = Float64Array.from({ length: 100 }, (_, index) => index + 1);
  assert.deepEqual(downsampled(values, 4), [25, 50, 75, 100]);
  assert.deepEqual(downsampled(values.slice(0, 3), 30), [1, 2, 3]);
  assert.deepEqual(downsampled([], 30), []);
});

test("a program is shown without the folders before it", () => {
  const command = (text: string) => run(1, {}, text);
  assert.equal(shortProgram(command("/usr/bin/mlbench benchmark a/b")), "mlbench benchmark a/b");
  assert.equal(shortProgram(command('sh -c "cd /tmp"')), 'sh -c "cd /tmp"');
  assert.equal(shortProgram(run(1, { image: "mlbench/pytorch-x:latest" })), "pytorch-x");
  assert.equal(shortProgram(run(1, { image: "host:5000/a/b:1.2" })), "b:1.2");
});
