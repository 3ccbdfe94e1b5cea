import assert from "node:assert/strict";
import { test } from "node:test";

import { ofMlflow, parseRoute, routePath, type Route } from "./route";

test("a path of every page parses back", () => {
  const routes: Exclude<Route, { page: "missing" }>[] = [
    { page: "workers" },
    { page: "worker", pod: "a/b %ü" },
    { page: "runs" },
    { page: "run", id: 17 },
    { page: "compare" },
  ];
  for (const route of routes) assert.deepEqual(parseRoute(routePath(route)), route);
});

test("a path that names no page is missing", () => {
  for (const path of ["nowhere", "runs/x", "runs/0", "runs/1/2", "workers/%"]) {
    assert.deepEqual(parseRoute(path), { page: "missing", path });
  }
});

test("a slash at the end changes nothing", () => {
  assert.deepEqual(parseRoute("runs/"), { page: "runs" });
  assert.deepEqual(parseRoute("runs/3/"), { page: "run", id: 3 });
});

test("a link that MLflow's client prints leads to its run", () => {
  assert.equal(ofMlflow("#/experiments/1/runs/00000000000000000000000000000042"), "runs/42");
  assert.equal(ofMlflow("#/experiments/0"), "runs");
  for (const other of ["", "#", "#/experiments/1/runs/0", "#/experiments/1/runs/abc", "#/models/1"]) {
    assert.equal(ofMlflow(other), undefined);
  }
});
