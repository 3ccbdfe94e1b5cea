import assert from "node:assert/strict";
import { test } from "node:test";

import type { Metrics, MetricsOptions, Owner, Point, RunsMetrics } from "../api/metrics";
import { SERIES_AT_ONCE, together } from "./together";

const point = (value: string): Point => ({ date: "2026-01-01T00:00:00Z", value, step: null, epoch: null });

/** A server whose runs have a metric with their own number; run 9 does not exist. */
function setup() {
  const requests: string[] = [];
  const server = { requests, fails: false };
  const series = (run: number, names: readonly string[]) =>
    new Map(names.map((name) => [name, [point(`${run}`)]]));
  const one = (owner: Owner, { names = [] }: MetricsOptions): Promise<Metrics<Point>> => {
    const run = "run" in owner ? owner.run : 0;
    requests.push(`${"run" in owner ? run : owner.pod}: ${names.join()}`);
    return Promise.resolve({ series: series(run, names), cursor: 1 });
  };
  const several = (runs: readonly number[], { names = [] }: MetricsOptions): Promise<RunsMetrics<Point>> => {
    requests.push(`${runs.join()}: ${names.join()}`);
    if (server.fails) return Promise.reject(new Error("down"));
    const found = runs.filter((run) => run !== 9).map((run) => [run, series(run, names)] as const);
    return Promise.resolve({ runs: new Map(found), cursor: 7 });
  };
  return { server, read: together(one, several) };
}

const value = ({ series }: Metrics<Point>, name = "loss") => series.get(name)?.[0]?.value;

test("what is read of several runs at one moment is one request", async () => {
  const { server, read } = setup();
  const all = await Promise.all([3, 4, 9].map((run) => read({ run }, { names: ["loss"] })));
  assert.deepEqual(server.requests, ["3,4,9: loss"]);
  assert.deepEqual(
    all.map((metrics) => value(metrics)),
    ["3", "4", undefined],
  );
  assert.deepEqual(
    all.map(({ cursor }) => cursor),
    [7, 7, 7],
  );
  // What comes later does not wait for others.
  assert.equal(value(await read({ run: 5 }, { names: ["loss"] })), "5");
  assert.deepEqual(server.requests, ["3,4,9: loss", "5: loss"]);
});

test("only what is the same is read together, and never all metrics or those of pods", async () => {
  const { server, read } = setup();
  await Promise.all([
    read({ run: 1 }, { names: ["a"] }),
    read({ run: 2 }, { names: ["b"] }),
    read({ run: 3 }, { names: ["a"], cursor: 4 }),
    read({ run: 4 }, { names: ["a"] }),
    read({ run: 5 }, {}),
    read({ run: 6 }, {}),
    read({ pod: "w-0" }, { names: ["a"] }),
  ]);
  assert.deepEqual(server.requests.sort(), ["1,4: a", "2: b", "3: a", "5: ", "6: ", "w-0: a"]);
});

test("a request has a bounded number of series", async () => {
  const { server, read } = setup();
  const runs = Array.from({ length: SERIES_AT_ONCE + 1 }, (_, index) => index + 10);
  await Promise.all(runs.map((run) => read({ run }, { names: ["loss"] })));
  assert.deepEqual(server.requests, [`${runs.slice(0, -1).join()}: loss`, `${runs.at(-1)}: loss`]);
  server.requests.length = 0;
  const names = Array.from({ length: SERIES_AT_ONCE / 2 }, (_, index) => `m${index}`);
  await Promise.all([1, 2, 3].map((run) => read({ run }, { names })));
  assert.deepEqual(server.requests, [`1,2: ${names.join()}`, `3: ${names.join()}`]);
});

test("a failure reaches all that wait, and none after", async () => {
  const { server, read } = setup();
  server.fails = true;
  const both = await Promise.allSettled([1, 2].map((run) => read({ run }, { names: ["loss"] })));
  assert.deepEqual(
    both.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  server.fails = false;
  const again = await Promise.all([1, 2].map((run) => read({ run }, { names: ["loss"] })));
  assert.deepEqual(
    again.map((metrics) => value(metrics)),
    ["1", "2"],
  );
});
