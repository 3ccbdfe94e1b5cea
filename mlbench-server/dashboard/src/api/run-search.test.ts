import assert from "node:assert/strict";
import { test } from "node:test";

import { testRun } from "./fixtures";
import { runMatcher, tagWord, withWord } from "./run-search";

const run = testRun(
  {
    id: 7,
    name: "ResNet of Zoë",
    params: { lr: 0.1, optimizer: "Adam", nesterov: true, layers: "20", zero: 0, "a<b": 3 },
    tags: { team: "vision", experiment: "lr sweep", constructor: "", draft: "" },
  },
  { command: "python train.py" },
);

function matches(search: string): boolean {
  return runMatcher(search)(run);
}

test("all words occur in the id, name, command, parameters or tags", () => {
  for (const search of [
    "",
    "  ",
    "7",
    "#7",
    "resnet ZOË",
    "train.py",
    "vision",
    "team=vision",
    "lr=0.1",
    "sweep",
  ]) {
    assert.ok(matches(search), search);
  }
  for (const search of ["8", "resnet zoe", "visions", '"zoë resnet"']) assert.ok(!matches(search), search);
  assert.ok(matches('"of zoë"'));
});

test("a tag is found by its name and value", () => {
  for (const search of [
    "tag:team=vision",
    "TAG:Team=VISION",
    "tag:team",
    "tag:te",
    'tag:experiment="lr sweep"',
    '"tag:experiment=lr sweep"',
    'tag:experiment="lr sweep',
    "tag:draft",
    "tag:draft=",
    'tag:draft=""',
    "tag:constructor",
    "tag:",
  ]) {
    assert.ok(matches(search), search);
  }
  for (const search of [
    "tag:team=",
    "tag:te=vision",
    "tag:team=vis",
    "tag:vision",
    "tag:lr",
    "tag:experiment=lr",
    "tag:toString",
    "tag:draft=x",
    "tag:draf=",
    "tag:draft<1",
  ]) {
    assert.ok(!matches(search), search);
  }
});

test("a parameter is found by its value and by bounds", () => {
  for (const search of [
    "param:lr=0.1",
    "param:lr=1e-1",
    "param:lr<0.2",
    "param:lr<=0.1",
    "param:lr>=.1",
    "param:lr>0 param:lr<1",
    "param:optimizer=adam",
    "param:nesterov=true",
    "param:layers>18",
    "param:layers<1,000",
    "param:lr<0,2",
    "param:a<b=3",
    "param:a<b>2",
  ]) {
    assert.ok(matches(search), search);
  }
  for (const search of [
    "param:lr=0.2",
    "param:lr>0.1",
    "param:optimizer>1",
    "param:nesterov>0",
    "param:missing=1",
    "param:lr=x",
    "param:lr=",
    "param:lr<",
    "param:zero=",
    "param:lr<=",
  ]) {
    assert.ok(!matches(search), search);
  }
});

test("a run without parameters and tags has none", () => {
  const plain = testRun();
  assert.ok(!runMatcher("tag:")(plain));
  assert.ok(!runMatcher("param:lr")(plain));
});

test("the word of a tag finds the runs that have it, and no others", () => {
  const tags: [name: string, value: string][] = [
    ["draft", ""],
    ["draft", "x"],
    ["draf", "t"],
    ["note", 'says "hello"'],
    ["note", "says hello"],
    ["note", "says"],
    ["quote", '"'],
    ["quote", ""],
    ['"', "quote"],
    ["path", "C:\\"],
    ["path", "C:\\ D:\\"],
    ["path", "C: D:"],
    ["end", ' \\" '],
    ["a<b", "c"],
    ["a", "<b=c"],
    ["a>=b c", ""],
    ["lines", "a\nb"],
    ["formula", "x=y"],
    ["formula", "x"],
  ];
  const runs = tags.map(([name, value]) => testRun({ tags: { [name]: value } }));
  for (const [name, value] of tags) {
    const matching = runMatcher(tagWord(name, value));
    const found = tags.filter((_, index) => matching(runs[index] ?? testRun()));
    assert.deepEqual(found, [[name, value]], tagWord(name, value));
  }
});

test("a word is added to a search that has not got it as a whole", () => {
  assert.equal(withWord("", "tag:a=1"), "tag:a=1");
  assert.equal(withWord("x tag:a=1", "tag:a=1"), "x tag:a=1");
  assert.equal(withWord("x tag:a=12", "tag:a=1"), "x tag:a=12 tag:a=1");
  assert.equal(withWord('tag:a="1 2"', '"tag:a=1 2"'), 'tag:a="1 2"');
  assert.equal(withWord('tag:b="1 2', "tag:a=1"), 'tag:b="1 2" tag:a=1');
});
