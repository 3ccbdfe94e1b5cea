import assert from "node:assert/strict";
import { test } from "node:test";

import { splitName } from "./metric-name";

test("names split into metric and rank", () => {
  assert.deepEqual(splitName("val_global_Prec@1 @ 12"), { metric: "val_global_Prec@1", rank: 12 });
  for (const name of ["loss", " @ 3", "a @ x", "a@1"]) {
    assert.deepEqual(splitName(name), { metric: name, rank: undefined });
  }
});
