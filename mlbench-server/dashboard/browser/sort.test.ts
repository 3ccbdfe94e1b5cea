// Which run was best: the list is sorted by accuracy and loss, also in groups, with one request for the values.
import assert from "node:assert/strict";
import { test } from "node:test";

import type { Page } from "playwright-core";

import { Stage } from "./stage";

/** Each run with its number of workers, and its newest accuracy and loss. */
const RUNS = [
  ["low", 1, "61.25", "0.75"],
  ["high", 1, "82.5", "0.25"],
  ["middle", 1, "70", undefined],
  ["none", 2, undefined, undefined],
] as const;

const stage = new Stage({ workers: 2 }, async (server) => {
  for (const [name, num_workers, accuracy, loss] of RUNS) {
    const run_id = await server.run({ name, num_workers, custom_image_command: "true" });
    const values = [
      ["val_global_Prec@1 @ 0", "1"],
      ["val_global_Prec@1 @ 0", accuracy],
      ["train_loss @ 0", loss],
    ].filter(([, value]) => value !== undefined && accuracy !== undefined);
    const points = values.map(([metric, value]) => ({ run_id, name: metric, value }));
    await server.api("POST", "/api/metrics/batch/", points);
  }
});

/** Waits until the list shows these texts in this order, in the cells of a column. */
async function expectColumn(page: Page, header: string, texts: readonly string[]): Promise<void> {
  await page.waitForFunction(
    ([name, expected]) => {
      const headers = [...document.querySelectorAll("thead th")];
      const column = headers.findIndex((cell) => cell.textContent.replace(/[▲▼]/, "") === name);
      const rows = [...document.querySelectorAll("tbody tr[data-row]")];
      const shown = rows.map((row) => row.children[column]?.textContent.trim());
      return JSON.stringify(shown) === expected;
    },
    [header, JSON.stringify(texts)] as const,
  );
}

test("accuracy and loss sort the list", async () => {
  const visitor = await stage.visitor({ viewport: { width: 1440, height: 900 } });
  const { page } = visitor;
  const requests: string[] = [];
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (/\/api\/values\/|\/series\/$/.test(pathname)) requests.push(pathname);
  });
  try {
    await visitor.open(`${stage.server.url}/runs`);
    await expectColumn(page, "Accuracy", ["–", "70", "82.5", "61.25"]);
    assert.deepEqual(requests, ["/api/values/"], "all values come with one request");

    const accuracy = page.getByRole("columnheader", { name: "Accuracy" });
    await accuracy.getByRole("button").click();
    await expectColumn(page, "Name", ["high", "middle", "low", "none"]);
    assert.equal(await accuracy.getAttribute("aria-sort"), "descending");
    await accuracy.getByRole("button").click();
    await expectColumn(page, "Name", ["low", "middle", "high", "none"]);
    assert.equal(await accuracy.getAttribute("aria-sort"), "ascending");

    const loss = page.getByRole("columnheader", { name: "Loss" });
    await loss.getByRole("button").click();
    await expectColumn(page, "Name", ["high", "low", "none", "middle"]);
    assert.equal(await loss.getAttribute("aria-sort"), "ascending");
    assert.equal(await accuracy.getAttribute("aria-sort"), null);
    await visitor.expectAccessible("the sorted list");

    await page.getByLabel("Group repeats").check();
    await expectColumn(page, "Accuracy", ["70 3 of 3", "–"]);
    await expectColumn(page, "Loss", ["0.5 2 of 3", "–"]);
    await visitor.picture("runs-by-loss-light-1440");
    await visitor.expectClean("the sorted list");
  } finally {
    await visitor.leave();
  }
});
