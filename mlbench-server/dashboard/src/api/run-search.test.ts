import assert from "node:assert/strict";
import { test } from "node:test";

import { testRun } from "./fixtures";
import { runMatcher, tagWord } from "./run-search";

const run = testRun(
  {
    id: 7,
    name: "ResNet of Zoë",
    params: { lr: 0.1, optimizer: "Adam", nesterov: true, layers: "20" },
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
    "tag:team=",
    'tag:experiment="lr sweep"',
    '"tag:experiment=lr sweep"',
    'tag:experiment="lr sweep',
    "tag:draft",
    "tag:constructor",
    "tag:",
  ]) {
    assert.ok(matches(search), search);
  }
  for (const search of ["tag:team=vis", "tag:vision", "tag:lr", "tag:experiment=lr", "tag:toString"]) {
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
  ]) {
    assert.ok(!matches(search), search);
  }
});

test("a run without parameters and tags has none", () => {
  const plain = testRun();
  assert.ok(!runMatcher("tag:")(plain));
  assert.ok(!runMatcher("param:lr")(plain));
});

test("the word of a tag finds it", () => {
  for (const [name, value] of Object.entries(run.tags ?? {})) assert.ok(matches(tagWord(name, value)), name);
});
