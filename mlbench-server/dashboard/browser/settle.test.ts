// What the flows wait for before they look at a page: on pages whose state the test decides.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { Browser } from "playwright-core";

import { launch, Visitor } from "./visitor";

let browser: Browser | undefined;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const BUSY = [
  ["a page that is loading", "<h1>x</h1><p class='loading' id='busy'>Loading the run</p>"],
  ["a busy table", "<h1>x</h1><table aria-busy='true' id='busy'></table>"],
  ["a chart without its points", "<h1>x</h1><p class='chart-blank' id='busy'>Loading …</p>"],
] as const;

for (const [what, body] of BUSY) {
  test(`${what} is waited for`, async () => {
    assert.ok(browser !== undefined);
    const visitor = await Visitor.come(browser);
    await visitor.page.setContent(body);
    let settled = false;
    const wait = visitor.settle().then(() => (settled = true));
    // The page is looked at once in a frame.
    await visitor.page.evaluate(
      () =>
        new Promise((resolve) => {
          let frames = 5;
          const next = () => (--frames > 0 ? requestAnimationFrame(next) : resolve(undefined));
          requestAnimationFrame(next);
        }),
    );
    assert.equal(settled, false);
    await visitor.page.evaluate(() => document.querySelector("#busy")?.remove());
    await wait;
    await visitor.leave();
  });
}

test("a chart that says why it is empty is not waited for", async () => {
  assert.ok(browser !== undefined);
  const visitor = await Visitor.come(browser);
  await visitor.page.setContent("<h1>x</h1><p class='chart-blank'>No points yet.</p>");
  await visitor.settle();
  await visitor.leave();
});
