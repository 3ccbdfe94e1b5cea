import assert from "node:assert/strict";
import { test } from "node:test";

import { paramsText, readParams } from "./params";

test("parameters have the types that people mean", () => {
  assert.deepEqual(
    readParams(
      'lr=0.1\nepochs = 40\nnesterov=true\nmodel=resnet20\nid="007"\nzip=007\nnan=NaN\nbig=1e999\nnone=\n',
    ),
    {
      lr: 0.1,
      epochs: 40,
      nesterov: true,
      model: "resnet20",
      id: "007",
      zip: "007",
      nan: "NaN",
      big: "1e999",
      none: "",
    },
  );
  assert.equal(readParams("lr"), 'must be NAME=VALUE on each line, not "lr"');
  assert.equal(readParams("lr=1\nlr=2"), '"lr" is there twice; remove one');
});

test("parameters of a run come back unchanged from their lines", () => {
  const params = {
    lr: 0.1,
    text: "0.1",
    yes: "true",
    quoted: '"x"',
    lines: "a\nb",
    formula: "a=b",
    padded: " a ",
    spaces: "  ",
    number: " 1",
    empty: "",
    on: true,
    unicode: "Zoë",
  };
  assert.deepEqual(readParams(paramsText(params)), params);
  const hostile: unknown = JSON.parse('{"__proto__": "x", "constructor": 1}');
  assert.deepEqual(readParams(paramsText(hostile as Record<string, string>)), hostile);
  assert.equal(paramsText(), "");
});
