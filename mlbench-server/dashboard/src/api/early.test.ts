import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";

import { address } from "../lib/base";
import { requestEarly } from "./early";
import { earlyPaths } from "./early-paths";
import { getSeries } from "./metrics";
import { deleteRun, getRun } from "./runs";

const requested: string[] = [];
let respond: () => Response = () => Response.json([]);

let pending: Promise<Response> | undefined;

mock.method(globalThis, "fetch", (url: string) => {
  requested.push(url);
  return pending ?? Promise.resolve(respond());
});

afterEach(() => {
  requested.length = 0;
  respond = () => Response.json([]);
  globalThis.mlbenchEarly = undefined;
});

test("a page reads first what was requested early", async () => {
  for (const [page, read] of [
    ["runs/3", () => getSeries({ run: 3 })],
    ["runs/3?zoom=1-2", () => getRun(3, 0)],
    ["workers/a%2Fb", () => getSeries({ pod: "a/b" })],
    ["compare?runs=2,5-6&repeats=single", () => getSeries({ run: 6 })],
  ] as const) {
    const paths = earlyPaths(page);
    requestEarly(paths);
    await read();
    assert.deepEqual(requested, paths.map(address), page);
    requested.length = 0;
  }
});

test("other pages request nothing early", () => {
  for (const page of ["", "runs", "compare", "runs/x", "nowhere/1/2"]) {
    assert.deepEqual(earlyPaths(page), []);
  }
});

test("an early response is read once", async () => {
  respond = () => Response.json([requested.length]);
  requestEarly(["api/runs/3/series/"]);
  assert.deepEqual(await getSeries({ run: 3 }), [1]);
  assert.deepEqual(await getSeries({ run: 3 }), [2]);
});

test("an early response that failed is requested again", async () => {
  respond = () => new Response("{}", { status: requested.length > 1 ? 200 : 401 });
  requestEarly(["api/runs/3/?logs=0"]);
  await getRun(3, 0);
  assert.equal(requested.length, 2);
});

test("a change forgets what was requested before it", async () => {
  requestEarly(["api/runs/3/?logs=0"]);
  await deleteRun(3);
  await getRun(3, 0);
  assert.equal(requested.length, 3);
});

test("a reader who has left does not wait for an early response, and leaves it to the next", async () => {
  let arrive: (response: Response) => void = () => undefined;
  pending = new Promise<Response>((resolve) => (arrive = resolve));
  requestEarly(["api/runs/3/?logs=0"]);
  pending = undefined;
  const left = new AbortController();
  const read = getRun(3, 0, left.signal);
  left.abort();
  await assert.rejects(read, { name: "AbortError" });
  const next = getRun(3, 0, new AbortController().signal);
  arrive(Response.json({ id: 3 }));
  assert.deepEqual(await next, { id: 3 });
  assert.equal(requested.length, 1);
});
