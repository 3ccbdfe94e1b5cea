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

for (const [scheme, width] of VIEWS) {
  test(`keys open what few runs need, ${scheme}, ${width} pixels`, async () => {
    const expected = (problem: string) => problem.includes("400") || problem.includes("422");
    const visitor = await stage.visitor({ colorScheme: scheme, viewport: { width, height: 900 } }, expected);
    const { page } = visitor;
    await visitor.open(`${stage.server.url}/runs?start`);
    const volumes = page.getByRole("textbox", { name: "Volumes" });
    assert.equal(await volumes.isVisible(), false);
    await page.getByRole("textbox", { name: "Name", exact: true }).fill("x");
    await page.getByText("More", { exact: true }).focus();
    await page.keyboard.press("Enter");
    await volumes.fill("data:/data:pvc/sets:ro");
    await page.getByRole("button", { name: "Start run" }).last().click();
    await page.locator("[name=volumes][aria-invalid=true]").waitFor();
    assert.ok(await volumes.evaluate((field) => field === document.activeElement));
    await page.getByText("More", { exact: true }).click();
    assert.equal(await volumes.isVisible(), false);
    await page.getByRole("button", { name: "Start run" }).last().click();
    await volumes.waitFor();
    await page.waitForFunction(() => document.activeElement?.getAttribute("name") === "volumes");
    await visitor.picture(`start-more-${scheme}-${width}`);
    await visitor.expectClean("the dialog");
    await visitor.expectAccessible("the dialog");
    await visitor.leave();
  });
}

test("the curves of all compared runs are read once", async () => {
  const { server } = stage;
  const ids: number[] = [];
  for (const name of ["a", "b", "c"]) {
    const id = await server.startRun({ name, external: true });
    ids.push(id);
    const points = [1, 2, 3].map((step) => ({ run_id: id, name: "loss", value: String(id / step), step }));
    await server.api("POST", "/api/metrics/batch/", points);
  }
  const visitor = await stage.visitor();
  const read: string[] = [];
  visitor.page.on("request", (request) => {
    const { pathname, searchParams } = new URL(request.url());
    // A history that was read before the stream opened is followed by what came meanwhile.
    if (searchParams.has("cursor")) return;
    const alone = /^\/api\/metrics\/([0-9]+)\/$/.exec(pathname)?.[1];
    if (pathname === "/api/metrics/") read.push(...(searchParams.get("runs") ?? "all").split(","));
    else if (alone !== undefined) read.push(alone);
  });
  await visitor.open(`${server.url}/compare?runs=${ids.join()}`);
  await visitor.page.getByRole("application", { name: "loss" }).waitFor();
  // Runs whose lists of metrics come later than others have a request of their own.
  assert.deepEqual(read.sort(), ids.map(String));
  await visitor.expectClean("the comparison");
  await visitor.leave();
});

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
