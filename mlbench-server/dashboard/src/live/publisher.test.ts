import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { expect } from "./publisher";

mock.timers.enable({ apis: ["setTimeout"] });

test("responses that come together are shown together", () => {
  const shown: string[] = [];
  const [first, second] = [expect(), expect()];
  first(() => shown.push("first"));
  assert.equal(shown.length, 0);
  second(() => shown.push("second"));
  assert.deepEqual(shown, ["first", "second"]);
});

test("what others wait for is not held up by what comes after", () => {
  const shown: string[] = [];
  const [first, later, last] = [expect(), expect("after"), expect("after")];
  first(() => shown.push("first"));
  assert.equal(shown.join(), "first");
  later(() => shown.push("later"));
  assert.equal(shown.join(), "first", "the last one may come at once");
  last();
  assert.deepEqual(shown, ["first", "later"]);
});

test("what comes after waits for what is expected now, but not for long", () => {
  const shown: string[] = [];
  const [slow, later] = [expect(), expect("after")];
  later(() => shown.push("later"));
  assert.equal(shown.length, 0);
  mock.timers.tick(100);
  assert.deepEqual(shown, ["later"]);
  slow();
});
