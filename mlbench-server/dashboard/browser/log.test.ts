// The output of a run: a search leads to the line, however far away it is.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Stage } from "./stage";

let run = 0;
const stage = new Stage({ workers: 1 }, async (server) => {
  run = await server.run({
    name: "many lines",
    custom_image_command: "seq -f 'line %.0f of many' 30000",
    num_workers: 1,
  });
});

test("a search shows the first line that it finds", async () => {
  const visitor = await stage.visitor();
  const { page } = visitor;
  await visitor.open(`${stage.server.url}/runs/${run}`);
  await page.getByText("line 30000 of many").waitFor();
  const search = page.getByLabel("Search the log");
  await search.fill("line 7777 ");
  await page.getByText("line 7777 of many").waitFor();
  await page.getByText("1 of 1 line").waitFor();
  assert.equal(await page.getByText("line 30000 of many").count(), 0);
  // The next one from there.
  await search.fill("line 2999");
  await page.getByText("line 29990 of many").waitFor();
  await search.press("Shift+Enter");
  await page.getByText("line 2999 of many").waitFor();
  await visitor.expectClean("at the end");
  await visitor.leave();
});
