// Names, metrics and output that try to be more than text.
import assert from "node:assert/strict";
import { test } from "node:test";

import type { Page } from "playwright-core";

import { Stage } from "./stage";

const MARKUP = "<script>document.title='taken'</script><img src=x onerror=document.title='taken'>";
const LONG = "wide".repeat(25);
const RTL = "\u202Eevil\u202C שלום עולם مرحبا";
const NAMES = [MARKUP, LONG, RTL];

const METRICS = [
  "Prec@1 @ 0",
  "a/b%c",
  "<img src=x onerror=document.title='taken'>",
  "%2e%2e/?metric_type=pod#x",
  "\u202Eloss שלום",
  "m".repeat(100),
];

/** Each line as a format of `printf`, with what the page shows of it. */
const LINES = [
  [
    "<b>bold</b> & <img src=x onerror=document.title='taken'>",
    "<b>bold</b> & <img src=x onerror=document.title='taken'>",
  ],
  ["\\033[31mred\\033[0m plain", "red plain"],
  ["\\033]8;;http://evil.example/\\007link\\033]8;;\\007 end", "link end"],
  ["\\033]8;;javascript:alert(1)\\033\\\\\\\\script\\033]8;;\\033\\\\\\\\ end", "script end"],
  ["10%%\\r50%%\\r100%% done", "100% done"],
  ["\\033[2J\\033[Hcleared", "cleared"],
  ["right \\342\\200\\256left", "right \u202Eleft"],
] as const;

const runs: number[] = [];
const stage = new Stage({ workers: 1 }, async (server) => {
  const script = LINES.map(([format]) => `printf "${format.replaceAll('"', '\\"')}\\n"`).join("; ");
  const command = `sh -c ${quoted(script)}`;
  for (const name of NAMES) runs.push(await server.run({ name, custom_image_command: command }));
  for (const run of runs) {
    const points = METRICS.flatMap((name) => ["1", "2"].map((value) => ({ run_id: run, name, value })));
    await server.api("POST", "/api/metrics/batch/", points);
    await server.api("POST", "/api/metrics/", {
      run_id: run,
      name: "TaskResult @ 0",
      value: "<img src=x onerror=document.title='taken'>",
    });
  }
});

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}

/** Checks that no text of the server has become an element. */
async function expectOnlyText(page: Page, where: string): Promise<void> {
  const found = await page.evaluate(() => {
    const foreign =
      "img, iframe, object, embed, b, body script:not([src]), [onerror], a[href^='javascript:']";
    const links = [...document.querySelectorAll("a")].filter(({ origin }) => origin !== location.origin);
    return [...document.querySelectorAll(foreign), ...links].map(
      (element) => `${element.tagName}: ${element.textContent}`,
    );
  });
  assert.deepEqual(found, [], where);
  assert.ok(!(await page.title()).startsWith("taken"), `${where}: a script ran`);
}

test("the names of runs are text in the list", async () => {
  for (const width of [1440, 360]) {
    const visitor = await stage.visitor({ viewport: { width, height: 900 } });
    await visitor.open(`${stage.server.url}/runs`);
    for (const name of NAMES) {
      const link = visitor.page.getByRole("link", { name, exact: true });
      assert.equal(await link.textContent(), name);
    }
    await expectOnlyText(visitor.page, "runs");
    await visitor.picture(`hostile-runs-light-${width}`);
    await visitor.expectAccessible("runs");
    await visitor.page.getByRole("searchbox", { name: "Search" }).fill("<script>");
    await visitor.page.getByText("1 of 3").waitFor();
    await visitor.expectClean("runs");
    await visitor.leave();
  }
});

for (const [index, what] of ["markup", "a long word", "right to left"].entries()) {
  test(`a run whose name is ${what}`, async () => {
    const run = runs[index];
    const name = NAMES[index];
    const width = index === 1 ? 360 : 1440;
    const visitor = await stage.visitor({ viewport: { width, height: 900 } });
    const { page } = visitor;
    await visitor.open(`${stage.server.url}/runs/${run}`);
    assert.equal(await page.locator("h1").textContent(), name);
    assert.equal(await page.title().then((title) => title.includes(name?.slice(0, 60) ?? "?")), true);
    for (const metric of METRICS) {
      const title = metric.replace(/ @ 0$/, "");
      const heading = page.locator("figure h3").getByText(title, { exact: true });
      await heading.scrollIntoViewIfNeeded();
      assert.equal(await heading.textContent(), title);
    }
    await page.getByRole("region", { name: "Output of the run" }).scrollIntoViewIfNeeded();
    const shown = await page.locator(".log-row:not(.server) .log-text").allTextContents();
    assert.deepEqual(
      shown,
      LINES.map(([, text]) => text),
    );
    await expectOnlyText(page, what);
    await visitor.picture(`hostile-run-${index}-light-${width}`);
    await visitor.expectClean(what);
    await visitor.expectAccessible(what);
    await page.getByRole("button", { name: "Delete" }).click();
    await expectOnlyText(page, "the question");
    assert.ok((await page.getByRole("dialog").textContent())?.includes(name ?? "?"));
    await visitor.leave();
  });
}
