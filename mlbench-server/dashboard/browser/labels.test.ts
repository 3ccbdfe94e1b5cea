// Parameters and tags: given in the dialog, shown and changed on the page of the run, searched and sorted by in the list.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Stage } from "./stage";
import { until } from "./until";

const BOLD = "<b>bold</b>";
const MARKUP = "<script>document.title='taken'</script>";

const stage = new Stage({ workers: 1 }, async (server) => {
  for (const [name, lr] of [
    ["elsewhere", 0.05],
    ["notebook", 0.2],
  ] as const) {
    await server.api("POST", "/api/runs/", {
      name,
      external: true,
      params: { lr, optimizer: "adam", [BOLD]: true, ["__proto__"]: "x" },
      tags: { experiment: "lr sweep", note: MARKUP, constructor: "", "mlflow.user": "rita" },
    });
  }
  // In one request, so that all points have one time.
  const loss = { run_id: 1, name: "loss", step: [1, 2, 3], value: [3, 2, 1] };
  await server.api("POST", "/api/metrics/batch/", loss);
});

test("a run that executes elsewhere is shown as what it is", async () => {
  const visitor = await stage.visitor({ viewport: { width: 1440, height: 900 } });
  const { page } = visitor;
  await visitor.open(`${stage.server.url}/runs`);
  const row = page.getByRole("row", { name: "elsewhere" });
  assert.ok((await row.textContent())?.includes("External"));
  assert.ok(!(await row.textContent())?.includes("rita"), "the list leaves out what programs set themselves");
  await row.getByRole("button", { name: "Actions of run 1" }).click();
  // A menu that opens only after Escape would stay, and cover the row.
  const menu = page.getByRole("menu");
  await menu.getByRole("menuitem", { name: "Delete" }).waitFor();
  assert.equal(await menu.getByRole("menuitem", { name: "Start again" }).count(), 0);
  await page.keyboard.press("Escape");
  await menu.waitFor({ state: "detached" });
  await row.getByRole("link", { name: "elsewhere" }).click();

  await page.getByRole("heading", { level: 1, name: "elsewhere" }).waitFor();
  await page.getByText("Elsewhere, and reports to this server").waitFor();
  assert.equal(await page.getByRole("button", { name: "Start again" }).count(), 0);
  await page.waitForFunction(
    () => document.querySelector<HTMLSelectElement>(".chart-controls select")?.value === "step",
  );
  const given = page.locator("table.pods").getByRole("row");
  assert.deepEqual(await given.allTextContents(), [
    "NameValueType",
    `${BOLD}trueboolean`,
    "__proto__xtext",
    "lr0.05number",
    "optimizeradamtext",
  ]);
  assert.deepEqual(await page.getByRole("list", { name: "Tags" }).getByRole("link").allTextContents(), [
    "constructor",
    "experiment: lr sweep",
    "mlflow.user: rita",
    `note: ${MARKUP}`,
  ]);
  assert.equal(await page.locator("main script").count(), 0);
  assert.deepEqual(await page.locator("main b", { hasText: /^bold$/ }).allTextContents(), []);
  await visitor.picture("external-run-light-1440");
  await visitor.expectAccessible("an external run");
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await page.getByRole("dialog").getByText("its program goes on").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await visitor.expectClean("an external run");
  await visitor.leave();
});

test("a zoom in steps stays what it is when points come later", async () => {
  const visitor = await stage.visitor({ viewport: { width: 1440, height: 900 } });
  const { page } = visitor;
  await visitor.open(`${stage.server.url}/runs/1`);
  const chart = page.getByRole("application", { name: "loss" });
  const axis = page.getByLabel("X axis");
  await page.waitForFunction(
    () => document.querySelector<HTMLSelectElement>(".chart-controls select")?.value === "step",
  );
  await chart.press("+");
  await page.waitForURL(/x=step.*zoom=/);
  const zoomed = page.url();
  // On another day: its time is not that of the others.
  const later = { run_id: 1, name: "loss", step: [4], value: [0.25], date: ["2031-01-01T00:00:00Z"] };
  await stage.server.api("POST", "/api/metrics/batch/", later);
  const figure = page.getByRole("figure", { name: "loss", exact: true });
  await figure.locator("p.unseen").getByText("4 points").first().waitFor({ state: "attached" });
  for (const when of ["while the page is open", "after a reload"]) {
    assert.equal(await axis.inputValue(), "step", when);
    assert.equal(page.url(), zoomed, when);
    await page.getByRole("button", { name: "Reset zoom of loss" }).waitFor();
    if (when === "while the page is open") {
      await page.reload();
      await visitor.settle();
      await figure.locator("p.unseen").getByText("4 points").first().waitFor({ state: "attached" });
    }
  }
  await page.getByRole("button", { name: "Reset zoom of loss" }).click();
  await page.waitForURL(/\/runs\/1\?x=step$/);
  await visitor.expectClean("at the end");
  await visitor.leave();
});

test("parameters and tags are given in the dialog and changed on the page", async () => {
  const visitor = await stage.visitor({ viewport: { width: 1440, height: 900 } }, (problem) =>
    problem.includes("400"),
  );
  const { page } = visitor;
  await visitor.open(`${stage.server.url}/runs?start=1`);
  const dialog = page.getByRole("dialog", { name: "Start run" });
  await dialog.getByLabel("Name").fill("labelled");
  await dialog.getByLabel("Own program").check();
  await dialog.getByLabel("Command").fill("true");
  await dialog.getByText("Parameters and tags").click();
  await dialog.getByLabel("Parameters", { exact: true }).fill("lr");
  await dialog.getByLabel("Tags", { exact: true }).fill("team=vision");
  await dialog.getByRole("button", { name: "Start run" }).click();
  await dialog.getByText('must be NAME=VALUE on each line, not "lr"').waitFor();
  await dialog.getByLabel("Parameters", { exact: true }).fill('lr=0.1\nid="007"');
  await visitor.expectAccessible("the dialog");
  await dialog.getByRole("button", { name: "Start run" }).click();
  await page.getByRole("heading", { level: 1, name: "labelled" }).waitFor();
  const run = await stage.server.api("GET", "/api/runs/3/?logs=0");
  assert.ok(typeof run === "object" && run !== null && "params" in run && "tags" in run);
  assert.deepEqual([run.params, run.tags], [{ id: "007", lr: 0.1 }, { team: "vision" }]);

  await page.getByRole("button", { name: "Edit tags" }).click();
  const tags = page.getByRole("dialog", { name: "Tags of run 3" });
  assert.equal(await tags.getByLabel("Tags", { exact: true }).inputValue(), "team=vision");
  await tags.getByLabel("Tags", { exact: true }).fill("=x");
  await tags.getByRole("button", { name: "Save tags" }).click();
  await tags.getByText("use a name of 1 to 250").waitFor();
  await visitor.picture("tags-dialog-light-1440");
  await visitor.expectAccessible("the tags");
  // Somebody else adds a tag meanwhile, which stays.
  await stage.server.api("PATCH", "/api/runs/3/", { tags: { other: "kept" } });
  await tags.getByLabel("Tags", { exact: true }).fill("stage=final draft");
  await tags.getByRole("button", { name: "Save tags" }).click();
  await tags.waitFor({ state: "detached" });
  const list = page.getByRole("list", { name: "Tags" });
  await list.getByText("stage: final draft").waitFor();
  assert.deepEqual(await list.getByRole("link").allTextContents(), ["other: kept", "stage: final draft"]);
  await list.getByText("stage: final draft").click();
  await page.getByRole("heading", { level: 1, name: /^Runs/ }).waitFor();
  await page.getByText("1 of 3").waitFor();
  assert.equal(await page.getByRole("searchbox").inputValue(), '"tag:stage=final draft"');
  await visitor.expectClean("at the end");
  await visitor.leave();
});

test("the tags of a row stay within it on a phone", async () => {
  const visitor = await stage.visitor({ viewport: { width: 360, height: 800 } });
  await visitor.open(`${stage.server.url}/runs`);
  const tags = visitor.page.locator("tr", { hasText: "notebook" }).locator(".row-tags");
  await tags.getByText("+1").waitFor();
  const beyond = await tags.evaluate((row) => {
    const end = row.getBoundingClientRect().right;
    return [...row.children].filter((tag) => tag.getBoundingClientRect().right > end + 1).length;
  });
  assert.equal(beyond, 0, "tags that the row cuts");
  await visitor.leave();
});

test("the list finds, shows and sorts by parameters and tags", async () => {
  const visitor = await stage.visitor({ viewport: { width: 1440, height: 900 } });
  const { page } = visitor;
  const names = () => page.locator("tbody .run-name").allTextContents();
  const expectNames = (what: string, expected: readonly string[]) =>
    until(what, async () => ((await names()).join() === expected.join() ? true : undefined));
  await visitor.open(`${stage.server.url}/runs`);
  await page.getByRole("searchbox").fill("param:lr<0.15 param:lr>0.01");
  await expectNames("bounds", ["labelled", "elsewhere"]);
  await page.getByRole("searchbox").fill("");
  await page.getByRole("row", { name: "notebook" }).getByRole("button", { name: "Tag experiment" }).click();
  await expectNames("a tag", ["notebook", "elsewhere"]);
  await page.getByRole("button", { name: "Clear filters" }).click();

  await page.getByRole("button", { name: "Columns" }).click();
  const columns = page.getByRole("dialog", { name: "Columns" });
  await columns.getByLabel("lr").check();
  await columns.getByLabel("experiment").check();
  await visitor.expectAccessible("the choice of columns");
  await page.keyboard.press("Escape");
  await page.getByRole("columnheader", { name: "lr" }).getByRole("button").click();
  await expectNames("ascending", ["elsewhere", "labelled", "notebook"]);
  await page.getByRole("columnheader", { name: "lr" }).getByRole("button").click();
  await expectNames("descending", ["notebook", "labelled", "elsewhere"]);
  await page.reload();
  await visitor.settle();
  await expectNames("after a reload", ["notebook", "labelled", "elsewhere"]);
  await visitor.picture("runs-columns-light-1440");
  await visitor.expectAccessible("the columns");
  await visitor.expectClean("at the end");
  await visitor.leave();
});
