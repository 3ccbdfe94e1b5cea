// A new user starts the built-in benchmark, watches it, runs it again, compares and deletes.
import assert from "node:assert/strict";
import { test } from "node:test";

import type { Page } from "playwright-core";

import { Stage } from "./stage";
import { ofDeletedRun } from "./visitor";

const stage = new Stage();

/** Collects every description of the chart of a metric, and every last line of the output. */
function watch(page: Page, metric: string): Promise<void> {
  return page.evaluate((title) => {
    const seen = { charts: new Set<string>(), lines: new Set<string>() };
    window.seen = seen;
    const look = () => {
      for (const figure of document.querySelectorAll("figure")) {
        if (figure.querySelector("h3")?.textContent !== title) continue;
        const points = /: (\d+) points?/.exec(figure.querySelector("p.unseen")?.textContent ?? "")?.[1];
        if (points !== undefined) seen.charts.add(points);
      }
      const line = [...document.querySelectorAll(".log-row .log-text")].at(-1)?.textContent;
      if (line !== undefined) seen.lines.add(line);
    };
    new MutationObserver(look).observe(document.body, {
      childList: true,
      subtree: true,
      characterData: true,
    });
  }, metric);
}

async function start(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "Start run" }).first().click();
  const dialog = page.getByRole("dialog", { name: "Start run" });
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByRole("button", { name: "Start run" }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

test("from the first run to the comparison", async () => {
  const visitor = await stage.visitor({ viewport: { width: 1440, height: 900 } }, ofDeletedRun);
  const { page } = visitor;
  await visitor.open(`${stage.server.url}/`);
  await page.getByRole("navigation").getByRole("link", { name: "Runs" }).click();
  await page.getByText("No runs yet").waitFor();
  await watch(page, "train_loss");

  await page.getByRole("button", { name: "Start run" }).first().click();
  await visitor.expectAccessible("the dialog");
  await visitor.picture("start-dialog-light-1440");
  // An empty name is refused in place.
  const dialog = page.getByRole("dialog", { name: "Start run" });
  await dialog.getByRole("button", { name: "Start run" }).click();
  assert.equal(await dialog.getByLabel("Name").getAttribute("aria-invalid"), "true");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });

  await start(page, "first");
  await page.locator(".run-title .badge").filter({ hasText: "Started" }).waitFor();
  // The list shows it while it is active, and the way back to it.
  await page.getByRole("navigation").getByRole("link", { name: "Runs" }).click();
  const row = page.getByRole("row", { name: "first" });
  await row.waitFor();
  await row.getByRole("link", { name: "first" }).click();
  await page.locator(".run-title .badge").filter({ hasText: "Finished" }).waitFor();
  const seen = await page.evaluate(() => [window.seen.charts.size, window.seen.lines.size]);
  assert.ok((seen[0] ?? 0) > 2, "the curve grew");
  assert.ok((seen[1] ?? 0) > 2, "the output moved");
  for (const [link, file] of [
    ["All metrics as CSV", "run-1.csv"],
    [/All metrics as ZIP/, "metrics_first.zip"],
  ] as const) {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: link }).click(),
    ]);
    assert.equal(download.suggestedFilename(), file);
  }
  await visitor.settle();
  await visitor.picture("training-finished-light-1440");

  await page.getByRole("navigation").getByRole("link", { name: "Runs" }).click();
  await start(page, "second");
  await page.getByRole("navigation").getByRole("link", { name: "Runs" }).click();
  await page.getByRole("row", { name: "second" }).filter({ hasText: "Finished" }).waitFor();

  await page.getByLabel("Select run 1").check();
  await page.getByLabel("Select run 2").check();
  await page.getByText("2 selected").waitFor();
  await visitor.picture("two-selected-light-1440");
  await page.getByRole("group", { name: "Selected runs" }).getByRole("button", { name: "Compare" }).click();
  await page.getByRole("heading", { level: 1, name: "Compare" }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/compare");
  const compared = new URL(page.url()).searchParams.get("runs")?.split(",").sort();
  assert.deepEqual(compared, ["1", "2"]);
  await visitor.settle();
  await visitor.picture("training-compare-light-1440");
  await visitor.expectClean("the comparison");

  // The list keeps what was chosen.
  await page.goBack();
  await page.getByText("2 selected").waitFor();
  await page.getByLabel("Select run 2").uncheck();
  await page.getByRole("group", { name: "Selected runs" }).getByRole("button", { name: "Delete" }).click();
  const question = page.getByRole("dialog", { name: "Delete run 1?" });
  await question.getByText("first").waitFor();
  await visitor.expectAccessible("the question");
  await question.getByRole("button", { name: "Cancel" }).click();
  await question.waitFor({ state: "detached" });
  await page.getByRole("row", { name: "first" }).waitFor();
  await page.getByRole("group", { name: "Selected runs" }).getByRole("button", { name: "Delete" }).click();
  await question.getByRole("button", { name: "Delete run 1" }).click();
  await page.getByRole("row", { name: "first" }).waitFor({ state: "detached" });
  await page.getByRole("row", { name: "second" }).waitFor();
  await assert.rejects(stage.server.api("GET", "/api/runs/1/"), /404/);

  assert.ok(await page.evaluate(() => "seen" in window), "no reload");
  await visitor.expectClean("at the end");
  await visitor.leave();
});

declare global {
  interface Window {
    seen: { charts: Set<string>; lines: Set<string> };
  }
}
