import assert from "node:assert/strict";
import { test } from "node:test";

import { keptText, nameValues, readNameValues } from "./name-values";

test("texts with several lines are kept as they are, and said", () => {
  const form = nameValues({ team: "vision", note: "first\nsecond", empty: "" });
  assert.equal(form.text, "team=vision\nempty=");
  assert.equal(keptText(form), "Kept, because their values have several lines: note");
  assert.deepEqual(readNameValues(form), { team: "vision", note: "first\nsecond", empty: "" });
});

test("nothing is said where every text is a line", () => {
  assert.equal(keptText(nameValues({ team: "vision" })), "");
  assert.equal(keptText(nameValues()), "");
});

test("a name that is there twice and a line without a value are refused", () => {
  assert.equal(readNameValues({ text: "a=1\na=2", kept: {} }), '"a" is there twice; remove one');
  assert.equal(readNameValues({ text: "a=1", kept: { a: "1\n2" } }), '"a" is there twice; remove one');
  assert.equal(readNameValues({ text: "team", kept: {} }), 'must be NAME=VALUE on each line, not "team"');
});
