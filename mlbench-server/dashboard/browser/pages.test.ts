// Every page, light and dark, wide and on a phone: no error, no foreign request, no finding of axe; with pictures.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Stage } from "./stage";

const HOSTILE = `<script>alert("x")</script> \u202Ertl ${"long ".repeat(12)}`.slice(0, 99).trim();

const stage = new Stage({}, async (server) => {
  await server.run({ name: "two workers", light_target: true });
  await server.run({ name: HOSTILE, custom_image_command: "sh -c 'echo \"no data\" >&2; exit 3'" });
});

const PAGES = [
  ["workers", "/"],
  ["worker", "/workers/local-mlbench-worker-0"],
  ["runs", "/runs"],
  ["start-dialog", "/runs?start"],
  ["run", "/runs/1"],
  ["failed-run", "/runs/2"],
  ["compare", "/compare?runs=1,2"],
  ["missing", "/nowhere"],
] as const;

const VIEWS = [
  ["light", 1440],
  ["dark", 1440],
  ["light", 360],
  ["dark", 360],
] as const;

for (const [scheme, width] of VIEWS) {
  for (const [name, path] of PAGES) {
    test(`${name}, ${scheme}, ${width} pixels`, async () => {
      // The status of a page that does not exist is an error in the console.
      const expected = (problem: string) => name === "missing" && problem.includes("404");
      const visitor = await stage.visitor(
        { colorScheme: scheme, viewport: { width, height: 900 } },
        expected,
      );
      try {
        await visitor.open(`${stage.server.url}${path}`);
        await visitor.picture(`${name}-${scheme}-${width}`);
        await visitor.expectClean(path);
        await visitor.expectAccessible(path);
      } finally {
        await visitor.leave();
      }
    });
  }
}

test("a link that MLflow's client prints leads to its run, also in a page that is open", async () => {
  const visitor = await stage.visitor();
  const { page } = visitor;
  await visitor.open(`${stage.server.url}/`);
  // As when somebody pastes the link: the page is not loaded anew.
  await page.evaluate(() => Object.assign(window, { kept: true }));
  await page.evaluate((hash) => (location.hash = hash), `#/experiments/1/runs/${"1".padStart(32, "0")}`);
  await page.getByRole("heading", { level: 1, name: "two workers" }).waitFor();
  assert.equal(page.url(), `${stage.server.url}/runs/1`);
  assert.ok(await page.evaluate(() => "kept" in window));
  await page.goBack();
  await page.getByRole("heading", { level: 1, name: "Workers" }).waitFor();
  await page.goto(`${stage.server.url}/#/experiments/0`);
  await page.getByRole("heading", { level: 1, name: /^Runs/ }).waitFor();
  await visitor.expectClean("at the end");
  await visitor.leave();
});
