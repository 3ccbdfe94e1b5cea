import assert from "node:assert/strict";
import { test } from "node:test";

import { moved, scrollTo, slice } from "./rows";

test("every row in view is rendered, and few others", () => {
  for (let scrollTop = 0; scrollTop <= 10_000 * 40 - 600; scrollTop += 997) {
    const { start, end } = slice(10_000, 40, scrollTop, 600);
    assert.ok(
      start <= Math.floor(scrollTop / 40) && end >= Math.ceil((scrollTop + 600) / 40),
      `${scrollTop}`,
    );
    assert.ok(end - start < 50);
  }
});

test("a short or empty table is rendered whole", () => {
  assert.deepEqual(slice(3, 40, 0, 600), { start: 0, end: 3 });
  assert.deepEqual(slice(0, 40, 0, 600), { start: 0, end: 0 });
});

test("rows that vanish below the scroll position leave no negative slice", () => {
  assert.deepEqual(slice(2, 40, 9_000, 600), { start: 0, end: 2 });
});

test("keys move within the table", () => {
  assert.equal(moved("ArrowDown", 4, 10, 5), 5);
  assert.equal(moved("ArrowUp", 0, 10, 5), 0);
  assert.equal(moved("PageDown", 7, 10, 5), 9);
  assert.equal(moved("End", 0, 10, 5), 9);
  assert.equal(moved("x", 0, 10, 5), undefined);
  assert.equal(moved("Home", 0, 0, 5), undefined);
});

test("a row outside of the view is scrolled to its nearer edge", () => {
  assert.equal(scrollTo(2, 40, 200, 400), 80);
  assert.equal(scrollTo(20, 40, 200, 400), 440);
  assert.equal(scrollTo(6, 40, 200, 400), 200);
});
