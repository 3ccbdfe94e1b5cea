// The page below a path of a proxy, which removes the path.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { PrefixProxy } from "./proxy";
import { Stage } from "./stage";

let proxy: PrefixProxy;
const stage = new Stage({}, async (server) => {
  await server.run({ name: "below a path", custom_image_command: "true" });
  proxy = await PrefixProxy.start(server.url, "/lab/mlbench");
});

after(() => proxy.stop());

test("every page works below the path, and asks for nothing outside it", async () => {
  const visitor = await stage.visitor();
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
