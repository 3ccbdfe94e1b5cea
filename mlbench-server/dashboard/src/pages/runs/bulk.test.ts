import assert from "node:assert/strict";
import { test } from "node:test";

import { Problem } from "../../api/problem";
import type { Run } from "../../api/wire";
import { each } from "./bulk";

const runs = Array.from({ length: 9 }, (_, index) => ({ id: index + 1, name: `n${index + 1}` }) as Run);

test("every run is treated once, a few at a time", async () => {
  const seen: number[] = [];
  let [going, most] = [0, 0];
  await each(runs, "deleted", async (id) => {
    most = Math.max(most, ++going);
    await Promise.resolve();
    seen.push(id);
    going--;
  });
  assert.deepEqual(
    seen.sort((a, b) => a - b),
    runs.map(({ id }) => id),
  );
  assert.ok(most > 1 && most <= 4, `${most} at a time`);
});

test("a failure names its run and does not keep the others", async () => {
  const act = (id: number) => (id === 2 ? Promise.reject(new Error("disk full")) : Promise.resolve());
  await assert.rejects(each(runs.slice(0, 3), "deleted", act), {
    message: '2 of 3 runs deleted\nrun 2 "n2": disk full',
  });
});

test("many failures are named in part", async () => {
  const act = () => Promise.reject(new Error("no"));
  await assert.rejects(
    each(runs, "stopped", act),
    /^Error: 0 of 9 runs stopped\n(.+\n){5}and 4 more failures$/,
  );
});

test("a run that is gone already counts as done", async () => {
  await each(runs, "deleted", () =>
    Promise.reject(new Problem(404, "run_not_found", "run 1 does not exist")),
  );
});
