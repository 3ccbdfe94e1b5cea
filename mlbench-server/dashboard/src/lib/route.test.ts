import assert from "node:assert/strict";
import { test } from "node:test";

import { parseRoute, routePath, type Route } from "./route";

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
