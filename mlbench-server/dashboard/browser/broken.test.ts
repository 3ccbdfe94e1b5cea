// The server dies and returns, and the network is cut, while a page is open: nothing is missing or double.
import assert from "node:assert/strict";
import { test } from "node:test";

import type { Page } from "playwright-core";

import { ChartView } from "./chart";
import { Stage } from "./stage";
import { until } from "./until";

/** How soon the page must be back, in milliseconds. */
const BACK = 2_000;

const stage = new Stage();

/** What a browser says about a server that it cannot reach. */
const unreachable = (problem: string) => problem.includes("net::ERR_");

/** A program that stores ever new numbers, each of which it sends once. */
class Writer {
  private next = 0;

  constructor(private readonly run: number) {}

  /** Stores some numbers. */
  async write(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const value = String(this.next++);
      await stage.server.api("POST", "/api/metrics/", { run_id: this.run, name: "loss", value });
    }
  }

  /** Returns the numbers that the server has. */
  async stored(): Promise<string[]> {
    const metrics = await stage.server.api("GET", `/api/metrics/${this.run}/?metric_type=run`);
    assert.ok(typeof metrics === "object" && metrics !== null && "loss" in metrics);
    const { loss } = metrics;
    assert.ok(Array.isArray(loss));
    return loss.map((point: unknown) => {
      assert.ok(typeof point === "object" && point !== null && "value" in point);
      return String(point.value);
    });
  }
}

/** Notes when the badge of the connection next says this, by the clock that all processes share. */
function whenConnection(page: Page, word: string): Promise<number> {
  return page.evaluate(
    (wanted) =>
      new Promise<number>((resolve) => {
        const check = () => {
          if (document.querySelector(".connection")?.textContent !== wanted) return;
          observer.disconnect();
          resolve(Date.now());
        };
        const observer = new MutationObserver(check);
        observer.observe(document.body, { childList: true, subtree: true, characterData: true });
        check();
      }),
    word,
  );
}

test("the page survives the death of the server and a cut network", async () => {
  const run = await stage.server.startRun({ name: "long", custom_image_command: "sleep 600" });
  const writer = new Writer(run);
  await writer.write(30);
  const visitor = await stage.visitor({}, unreachable);
  const { page } = visitor;
  await visitor.open(`${stage.server.url}/runs/${run}`);
  const chart = new ChartView(page, "loss");
  const expectAll = async (where: string) => {
    const stored = await writer.stored();
    await until(`${where}: ${stored.length} points`, async () =>
      (await chart.points()) >= stored.length ? true : undefined,
    );
    assert.deepEqual(await chart.values(), stored, where);
  };
  await whenConnection(page, "Live");
  await page.evaluate(() => (document.body.dataset["loaded"] = "once"));
  await writer.write(10);
  await expectAll("before");

  // Requests are under way when the server dies, and none of them is sent again.
  const broken = writer.write(1_000_000).catch(() => undefined);
  await until("more points", async () => ((await chart.points()) > 60 ? true : undefined));
  await stage.server.kill();
  await broken;
  await whenConnection(page, "Offline");
  await page.getByText("The server does not respond").waitFor();
  await visitor.picture("broken-light-1280");
  await visitor.expectAccessible("without a server");
  await stage.server.restart();
  const returned = Date.now();
  const back = (await whenConnection(page, "Live")) - returned;
  assert.ok(back < BACK, `back after ${back} ms`);
  await writer.write(10);
  await expectAll("after the death of the server");

  await page.context().setOffline(true);
  await whenConnection(page, "Offline");
  await writer.write(30);
  const reconnected = Date.now();
  await page.context().setOffline(false);
  const again = (await whenConnection(page, "Live")) - reconnected;
  assert.ok(again < BACK, `back after ${again} ms`);
  await expectAll("after the cut");
  await writer.write(10);
  await expectAll("at the end");

  assert.equal(await page.evaluate(() => document.body.dataset["loaded"]), "once", "no reload");
  await visitor.expectClean("at the end");
  await visitor.leave();
});
