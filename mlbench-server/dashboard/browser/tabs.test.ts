// Many tabs share one stream of events, also when the tab that has it closes.
import assert from "node:assert/strict";
import { test } from "node:test";

import type { Page } from "playwright-core";

import { Stage } from "./stage";
import { until } from "./until";
import { Visitor } from "./visitor";

const TABS = 20;

const stage = new Stage();

/** Returns how many streams of events the server serves. */
async function streams(): Promise<number> {
  const text = await (await fetch(`${stage.server.url}/metrics`)).text();
  const line = /^mlbench_event_streams (\d+)$/m.exec(text);
  assert.ok(line?.[1] !== undefined, "the server counts its streams");
  return Number(line[1]);
}

async function expectOneStream(where: string): Promise<void> {
  // A closed tab takes its connection with it, which the server notices a moment later.
  await until(`${where}: one stream`, async () => ((await streams()) === 1 ? true : undefined));
}

/** Starts a run, and waits until every tab shows it and its end. */
async function expectAllLive(visitors: readonly Visitor[], name: string): Promise<void> {
  await stage.server.run({ name, custom_image_command: "true" });
  await Promise.all(
    visitors.map(async ({ page }) => {
      await page.getByRole("row", { name }).filter({ hasText: "Finished" }).waitFor();
      await page.locator(".connection").filter({ hasText: "Live" }).waitFor();
    }),
  );
}

/** Whether a tab has the stream: the holder of a lock of its own is the one of the stream. */
function leads(page: Page): Promise<boolean> {
  return page.evaluate(() =>
    navigator.locks.request("who am I", async () => {
      const { held = [] } = await navigator.locks.query();
      const holder = (name: string) => held.find((lock) => lock.name === name)?.clientId;
      return holder("who am I") === holder("mlbench stream");
    }),
  );
}

async function leaderOf(visitors: readonly Visitor[]): Promise<Visitor> {
  const leading = await Promise.all(visitors.map(({ page }) => leads(page)));
  const leaders = visitors.filter((_, index) => leading[index]);
  const [leader] = leaders;
  assert.ok(leader !== undefined && leaders.length === 1, "one tab has the stream");
  return leader;
}

test(`${TABS} tabs have one stream, whichever of them closes`, async () => {
  const first = await stage.visitor();
  await first.open(`${stage.server.url}/runs`);
  const context = first.page.context();
  const others = await Promise.all(
    Array.from({ length: TABS - 1 }, async () => {
      const visitor = Visitor.inTab(await context.newPage());
      await visitor.open(`${stage.server.url}/runs`);
      return visitor;
    }),
  );
  let tabs = [first, ...others];
  await expectAllLive(tabs, "seen by all");
  await expectOneStream("all tabs");

  for (const name of ["after the first", "after the second"]) {
    const leader = await leaderOf(tabs);
    await leader.page.close();
    assert.deepEqual(leader.problems, [], name);
    tabs = tabs.filter((tab) => tab !== leader);
    await expectAllLive(tabs, name);
    await expectOneStream(name);
  }
  for (const tab of tabs) await tab.expectClean("at the end");
  await context.close();
  await until("no stream is left", async () => ((await streams()) === 0 ? true : undefined));
});
