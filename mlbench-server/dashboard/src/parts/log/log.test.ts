import assert from "node:assert/strict";
import { test } from "node:test";

import type { LogLine } from "../../api/wire";
import { FilteredLines, indexOfSeq } from "./filter";
import { fixedLines, LINE, width, WrappedLines } from "./geometry";
import { LogSearch, markHits, step } from "./search";

function line(seq: number, text = `line ${seq}`, rank: number | null = seq % 2): LogLine {
  return { seq, date: "2026-11-26T21:45:30Z", rank, stream: seq % 3 === 0 ? "stderr" : "stdout", text };
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => line(from + index));
const seqs = (rows: readonly LogLine[]) => rows.map(({ seq }) => seq);
const always = () => true;

test("a filter follows lines at both ends", () => {
  const filtered = new FilteredLines();
  const filter = { rank: 1 };
  assert.deepEqual(seqs(filtered.update({ lines: range(5, 8) }, filter)), [5, 7]);
  assert.deepEqual(seqs(filtered.update({ lines: range(5, 11) }, filter)), [5, 7, 9, 11]);
  assert.deepEqual(seqs(filtered.update({ lines: range(1, 12) }, filter)), [1, 3, 5, 7, 9, 11]);
  assert.deepEqual(seqs(filtered.update({ lines: range(4, 13) }, filter)), [5, 7, 9, 11, 13]);
  assert.deepEqual(seqs(filtered.update({ lines: range(4, 13) }, { stream: "stderr" })), [6, 9, 12]);
  assert.deepEqual(seqs(filtered.update({ lines: range(4, 13) }, {})), seqs(range(4, 13)));
});

test("server messages have a filter of their own", () => {
  const lines = [line(1, "a", null), line(2, "b", 0)];
  assert.deepEqual(seqs(new FilteredLines().update({ lines }, { rank: "server" })), [1]);
});

test("a search finds what is shown, in parts and in new lines", () => {
  const search = new LogSearch();
  const rows = range(1, 2_000);
  let parts = 0;
  while (!search.advance(rows, "line 10", () => false)) parts += 1;
  assert.ok(parts >= 3, "small parts");
  assert.equal(search.found.length, 1 + 10 + 100);
  search.advance([...rows, line(2_001, "\u001b[31mLI\u001b[0mNE 10")], "line 10", always);
  assert.equal(search.found.at(-1), 2_001);
  search.advance(range(1_000, 2_000), "line 10", always);
  assert.equal(search.found[0], 1_000);
  search.advance(range(1, 2_000), "line 10", always);
  assert.equal(search.found[0], 10);
});

test("next and previous go round", () => {
  const found = [3, 7, 9];
  assert.deepEqual([step(found, 3, true), step(found, 9, true)], [7, 3]);
  assert.deepEqual([step(found, 7, false), step(found, 3, false)], [3, 9]);
  assert.equal(step([], 1, true), undefined);
});

test("hits are marked across styles", () => {
  const red = { color: 1 };
  const pieces = markHits(
    [
      { text: "an er", style: red },
      { text: "ror error", style: undefined },
    ],
    "error",
  );
  assert.deepEqual(pieces, [
    { text: "an ", style: red, hit: false },
    { text: "er", style: red, hit: true },
    { text: "ror", style: undefined, hit: true },
    { text: " ", style: undefined, hit: false },
    { text: "error", style: undefined, hit: true },
  ]);
});

test("lines of one height are found by it", () => {
  const geometry = fixedLines(100);
  assert.equal(geometry.height, 100 * LINE);
  assert.deepEqual([geometry.at(0), geometry.at(LINE * 5.5), geometry.at(1e9)], [0, 5, 99]);
});

test("wrapped lines take the rows that they need", () => {
  const rows = [
    line(1, "x".repeat(25)),
    line(2, ""),
    line(3, "x".repeat(20)),
    line(4, "\u001b[31mred\u001b[0m"),
  ];
  const geometry = WrappedLines.of(undefined, rows.slice(0, 3), 10);
  assert.equal(WrappedLines.of(geometry, rows, 10), geometry, "new lines extend it");
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((index) => geometry.top(index) / LINE),
    [0, 3, 4, 6, 7],
  );
  assert.equal(geometry.height, 7 * LINE);
  for (const top of [0, 59, 60, 79, 80, 119, 120, 1e9]) {
    const index = geometry.at(top);
    assert.ok(geometry.top(index) <= top && (index === 3 || top < geometry.top(index + 1)), String(top));
  }
  assert.notEqual(WrappedLines.of(geometry, rows.slice(1), 10), geometry);
});

test("wide characters and tabs take their columns", () => {
  assert.deepEqual(["日本", "🦀", "a\tb", "é"].map(width), [4, 2, 9, 1]);
});

test("a line is found by its number or where it would be", () => {
  assert.deepEqual(
    [1, 5, 6, 9].map((seq) => indexOfSeq(range(5, 8), seq)),
    [0, 0, 1, 4],
  );
});
