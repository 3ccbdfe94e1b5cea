import assert from "node:assert/strict";
import { test } from "node:test";

import { match } from "./sequence";

const known = ["g r", "g w", "n", "r", "?"];

test("a single key completes its shortcut", () => {
  assert.deepEqual(match(known, "", "n"), { complete: "n", pending: "" });
  assert.deepEqual(match(known, "", "?"), { complete: "?", pending: "" });
});

test("the first of two keys waits for the second", () => {
  assert.deepEqual(match(known, "", "g"), { pending: "g" });
  assert.deepEqual(match(known, "g", "r"), { complete: "g r", pending: "" });
});

test("a key that continues nothing begins anew", () => {
  assert.deepEqual(match(known, "g", "n"), { complete: "n", pending: "" });
  assert.deepEqual(match(known, "g", "g"), { pending: "g" });
  assert.deepEqual(match(known, "g", "x"), { pending: "" });
});

test("an unknown key completes nothing", () => {
  assert.deepEqual(match(known, "", "x"), { pending: "" });
});
