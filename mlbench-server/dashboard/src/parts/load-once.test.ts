import assert from "node:assert/strict";
import { test } from "node:test";

import { loadOnce } from "./load-once";

test("a part is loaded once, when the first of its users wants it", async () => {
  let loads = 0;
  let give: (part: string) => void = () => undefined;
  const part = loadOnce(() => {
    loads += 1;
    return new Promise<string>((resolve) => (give = resolve));
  });
  assert.equal(loads, 0, "nothing is loaded before it is wanted");
  const both = [part.begin(), part.begin()];
  assert.equal(part.state.value, undefined);
  give("page");
  await Promise.all(both);
  assert.deepEqual(part.state.value, { value: "page" });
  await part.begin();
  assert.equal(loads, 1);
});

test("a failed load is a state, and those who wait go on", async () => {
  const error = new Error("gone");
  const part = loadOnce(() => Promise.reject(error));
  await part.begin();
  assert.deepEqual(part.state.value, { error });
});
