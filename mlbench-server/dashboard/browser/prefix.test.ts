// The page below a path of a proxy, which removes the path.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { Browser } from "playwright-core";

import { PrefixProxy } from "./proxy";
import { Server } from "./server";
import { launch, Visitor } from "./visitor";

let server: Server;
let browser: Browser;
let proxy: PrefixProxy;

before(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
  await server.run({ name: "below a path", custom_image_command: "true" });
  proxy = await PrefixProxy.start(server.url, "/lab/mlbench");
});

after(async () => {
  await browser.close();
  await proxy.stop();
  await server.stop();
});

test("every page works below the path, and asks for nothing outside it", async () => {
  const visitor = await Visitor.come(browser);
  const { page } = visitor;
  for (const path of [
    "/",
    "/runs",
    "/runs/",
    "/runs/1",
    "/runs/1/",
    "/workers/local-mlbench-worker-0",
    "/compare",
  ]) {
    await visitor.open(`${proxy.url}${path}`);
    await visitor.expectClean(path);
  }
  await visitor.open(`${proxy.url}/runs`);
  await page.getByRole("link", { name: "below a path" }).first().click();
  await page.getByRole("heading", { name: "below a path" }).waitFor();
  assert.equal(page.url(), `${proxy.url}/runs/1`);
  await page.reload();
  await page.getByRole("heading", { name: "below a path" }).waitFor();
  await page.goBack();
  await page.waitForURL(`${proxy.url}/runs`);
  await visitor.expectClean("after navigating");
  assert.deepEqual(proxy.outside, []);
  await visitor.leave();
});
