import assert from "node:assert/strict";
import { test } from "node:test";

import { contrast, readable, rgbOf, styleOf } from "./terminal-color";

test("all 256 colours can be read in both themes", () => {
  for (const surface of [
    [255, 255, 255],
    [24, 29, 35],
  ] as const) {
    for (let color = 0; color < 256; color += 1) {
      assert.ok(contrast(readable(rgbOf(color), surface), surface) >= 4.5, `${color} on ${surface.join()}`);
    }
  }
});

test("text can be read on every background", () => {
  for (let color = 0; color < 256; color += 1) {
    const css = styleOf({ color, background: color });
    const [text, fill] = [css?.["color"], css?.["background-color"]].map(
      (value) => value?.match(/[0-9]+/g)?.map(Number) ?? [],
    );
    const [a = 0, b = 0, c = 0] = text ?? [];
    const [d = 0, e = 0, f = 0] = fill ?? [];
    assert.ok(contrast([a, b, c], [d, e, f]) >= 4.5, String(color));
  }
});

test("weights become CSS, and plain text none", () => {
  assert.equal(styleOf(undefined), undefined);
  assert.deepEqual(styleOf({ bold: true, underline: true, strike: true }), {
    "font-weight": "650",
    "text-decoration": "underline line-through",
  });
});

test("inverse swaps text and surface in each theme", () => {
  assert.match(styleOf({ inverse: true })?.["background-color"] ?? "", /^light-dark\(rgb\(27 /);
});
