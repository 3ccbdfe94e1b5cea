import assert from "node:assert/strict";
import { test } from "node:test";

import { testRun, testSeries } from "../../api/fixtures";
import type { JobMetadata, Run } from "../../api/wire";
import { arrange, unitOf, usualAxis } from "./metrics";
import { failedRank, firstPoint, moments } from "./moments";

function run(changes: Partial<Run> = {}, metadata: Partial<JobMetadata> = {}): Run {
  const created_at = "2026-11-26T21:45:00Z";
  return testRun({ created_at, finished_at: null, state: "STARTED", ...changes }, metadata);
}

const at = (seconds: number) => Date.parse("2026-11-26T21:45:00Z") + seconds * 1000;

test("a run that waits says what for", () => {
  const waiting = run({ state: "INITIALIZED", queue_position: 2, waiting_for: "run 4 is ahead" });
  const course = { first: undefined, goal: undefined, now: at(12.3) };
  assert.deepEqual(
    moments(waiting, course).map(({ name, text }) => [name, text]),
    [
      ["Created", undefined],
      ["Waiting", "for 12 s, place 2 in the queue: run 4 is ahead"],
    ],
  );
});

test("the course of a run that ended has its lengths", () => {
  const ended = run({ state: "FINISHED", finished_at: "2026-11-26T21:46:40Z" });
  assert.deepEqual(
    moments(ended, { first: at(10), goal: at(70), now: at(1e6) }).map(({ name, text, tone }) => [
      name,
      text,
      tone,
    ]),
    [
      ["Created", undefined, "done"],
      ["Started", "after 10 s", "done"],
      ["Goal reached", "after 1 min", "good"],
      ["Finished", "after 1 min 30 s", "good"],
    ],
  );
});

test("a run without output runs since it was created", () => {
  const [, now] = moments(run(), { first: undefined, goal: undefined, now: at(90) });
  assert.deepEqual([now?.name, now?.text], ["Running", "for 1 min 30 s"]);
});

test("the rank that failed first is the one that the reason names", () => {
  const codes = { 0: 143, 1: 3 };
  assert.equal(failedRank(run({}, { reason: "rank 1 exited with code 3", exit_codes: codes })), 1);
  assert.equal(failedRank(run({}, { reason: null, exit_codes: codes })), 1);
  assert.equal(failedRank(run({}, { reason: null, exit_codes: { 0: 143 } })), 0);
  assert.equal(failedRank(run({}, { reason: "image not found", exit_codes: {} })), undefined);
});

test("the first point is that of all series", () => {
  const dates = ["2026-11-26T21:45:02Z", "2026-11-26T21:45:01Z"];
  assert.equal(firstPoint(dates.map((first_date) => ({ ...testSeries("a"), first_date }))), at(1));
  assert.equal(firstPoint([]), undefined);
});

test("the times of the steps are seconds", () => {
  assert.deepEqual(["agg_wait", "io_seconds", "heap_bytes", "train_loss"].map(unitOf), [
    "seconds",
    "seconds",
    "bytes",
    "number",
  ]);
});

test("ranks of a metric share a chart, the important ones first", () => {
  const names = [
    "agg @ 0",
    "lr",
    "train_Prec@1 @ 0",
    "train_loss @ 10",
    "train_loss @ 2",
    "comp_loss @ 0",
    "gpu/0",
  ];
  const { sections } = arrange(names.map((name) => testSeries(name)));
  assert.deepEqual(
    sections.map(({ title, charts }) => [title, charts.map((chart) => chart.names.join())]),
    [
      ["Loss and accuracy", ["train_loss @ 2,train_loss @ 10", "train_Prec@1 @ 0"]],
      ["Other metrics", ["lr"]],
      ["gpu", ["gpu/0"]],
      ["Times of the steps", ["agg @ 0", "comp_loss @ 0"]],
    ],
  );
});

test("single values and texts are no curves", () => {
  const { sections, values } = arrange([
    testSeries("TaskResult @ 0", 1, "80% reached"),
    testSeries("time_to_accuracy @ 0", 1, "2.19"),
    testSeries("note", 5, "warm"),
    testSeries("diverged", 5, "NaN"),
  ]);
  assert.deepEqual(
    values.map(({ name }) => name),
    ["TaskResult @ 0", "time_to_accuracy @ 0", "note"],
  );
  assert.equal(sections[0]?.charts[0]?.title, "diverged");
});

test("a search finds all words in any case", () => {
  const names = ["train_loss @ 0", "val_loss @ 0", "train_acc @ 0"].map((name) => testSeries(name));
  const found = arrange(names, "LOSS train").sections.flatMap(({ charts }) => charts);
  assert.deepEqual(
    found.map(({ title }) => title),
    ["train_loss"],
  );
});

test("5,000 metrics are arranged quickly", () => {
  const names = Array.from({ length: 5_000 }, (_, index) =>
    testSeries(`layer_${index % 2_500} @ ${index % 2}`),
  );
  const begin = performance.now();
  arrange(names);
  assert.ok(performance.now() - begin < 500);
});

test("points that came together are drawn by their steps, and those that took time by it", () => {
  const once = testSeries("loss", 3);
  const later = { ...once, last_date: "later" };
  assert.equal(usualAxis([once, { ...testSeries("result", 1), last_date: "later" }], ["step"]), "step");
  assert.equal(usualAxis([once, later], ["step"]), "relative");
  assert.equal(usualAxis([once, later], []), "relative");
  assert.equal(usualAxis([once], []), undefined, "their steps may not have been read yet");
  assert.equal(usualAxis([testSeries("result", 1)], ["step"]), undefined, "a single point has no curve");
});
