import assert from "node:assert/strict";
import { test } from "node:test";

import { restBefore } from "./detail";

test("a single zoom is read at once, and fast ones only when they rest", () => {
  assert.equal(restBefore(1_000, -Infinity), 0);
  assert.equal(restBefore(1_000, 990), 150);
  assert.equal(restBefore(1_000, 800), 0);
});
