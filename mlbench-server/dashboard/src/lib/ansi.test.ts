import assert from "node:assert/strict";
import { test } from "node:test";

import { plainLine, terminalLine } from "./ansi";

const ESC = "\u001b";

test("a line without escapes is one piece", () => {
  assert.deepEqual(terminalLine("a\tb <script>"), [{ text: "a\tb <script>", style: undefined }]);
  assert.deepEqual(terminalLine(""), []);
});

test("colours and weights are kept", () => {
  const line = `${ESC}[1;31mred${ESC}[0m ${ESC}[38;5;208morange${ESC}[39;48;2;1;2;3mback${ESC}[m`;
  assert.deepEqual(terminalLine(line), [
    { text: "red", style: { bold: true, color: 1 } },
    { text: " ", style: undefined },
    { text: "orange", style: { color: 208 } },
    { text: "back", style: { background: [1, 2, 3] } },
  ]);
  assert.deepEqual(terminalLine(`${ESC}[38:2::9:8:7mx${ESC}[97;104my`), [
    { text: "x", style: { color: [9, 8, 7] } },
    { text: "y", style: { color: 15, background: 12 } },
  ]);
});

test("colours are the same beside other sequences", () => {
  const line = `${ESC}[1;31mred${ESC}[0m and ${ESC}[48;5;20mblue${ESC}[m`;
  assert.deepEqual(terminalLine(`${ESC}[?25l${line}`), terminalLine(line));
});

test("every weight ends on its own", () => {
  const styles = terminalLine(`${ESC}[1;3;4;7;9ma${ESC}[22;23mb${ESC}[24;27;29mc`).map(({ style }) => style);
  assert.deepEqual(styles, [
    { bold: true, italic: true, underline: true, inverse: true, strike: true },
    { underline: true, inverse: true, strike: true },
    undefined,
  ]);
});

test("a carriage return shows the last state", () => {
  assert.equal(plainLine("\r 10%\r 20%\r100%"), "100%");
  assert.equal(plainLine("loading...\rdone"), "doneing...");
  assert.equal(plainLine(`loading...\r${ESC}[Kdone`), "done");
  assert.equal(plainLine(`abc${ESC}[2Kx`), "x");
  assert.equal(plainLine("abc\b\bX"), "aXc");
  assert.equal(plainLine(`abcd${ESC}[2Dx${ESC}[1Gy`), "ybxd");
});

test("sequences that would do something else vanish", () => {
  for (const sequence of [
    `${ESC}[2J`,
    `${ESC}[?25l`,
    `${ESC}[1;1H`,
    `${ESC}]0;title\u0007`,
    `${ESC}]8;;http://evil/${ESC}\\`,
    `${ESC}P1$q${ESC}\\`,
    `${ESC}(B`,
    `${ESC}c`,
    "\u009b1mx".slice(0, 3),
    "\u0007",
    "\u0000",
    "\u009dtitle\u009c",
  ]) {
    assert.equal(plainLine(`a${sequence}b`), "ab", JSON.stringify(sequence));
  }
});

test("an unfinished sequence harms nothing", () => {
  for (const end of [ESC, `${ESC}[`, `${ESC}[38;5`, `${ESC}]0;title`, `${ESC}(`]) {
    assert.equal(plainLine(`text${end}`), "text", JSON.stringify(end));
  }
  assert.equal(plainLine(`${ESC}[99999999Cx`), "x");
  assert.equal(plainLine(`${ESC}[38;5;999mx`), "x");
});

test("characters beyond 16 bits stay whole", () => {
  assert.equal(plainLine("a\r🦀b"), "🦀b");
});
