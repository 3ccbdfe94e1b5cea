// The focus stays on the page when the control that has it disappears by itself.
import assert from "node:assert/strict";
import { test } from "node:test";

import type { Page } from "playwright-core";

import { Stage } from "./stage";
import { ofDeletedRun } from "./visitor";

const stage = new Stage();

/** Waits until a control has the focus, and fails with the one that has it instead. */
async function expectFocus(page: Page, wanted: string): Promise<void> {
  const found = () =>
    page.evaluate(() => {
      const active = document.activeElement;
      return active?.getAttribute("aria-label") ?? active?.textContent.trim() ?? "";
    });
  await page
    .waitForFunction((wanted) => {
      const active = document.activeElement;
      if (active === null || active === document.body) return false;
      return (active.getAttribute("aria-label") ?? active.textContent.trim()).startsWith(wanted);
    }, wanted)
    .catch(async () => assert.fail(`the focus is on "${(await found()).slice(0, 80)}", not on "${wanted}"`));
}

function waits(name: string): Record<string, unknown> & { name: string } {
  return { name, custom_image_command: "sleep 600", num_workers: 1 };
}

test("the focus goes to a neighbour when a run ends under its Stop button", async () => {
  const { server } = stage;
  const visitor = await stage.visitor();
  const { page } = visitor;
  for (const asks of [false, true]) {
    const id = await server.startRun(waits("ends by itself"));
    await visitor.open(`${server.url}/runs/${id}`);
    const stop = page.getByRole("button", { name: "Stop", exact: true });
    await stop.focus();
    if (asks) {
      await page.keyboard.press("Enter");
      await page.getByRole("dialog").waitFor();
    }
    await server.api("POST", `/api/runs/${id}/stop/`);
    await stop.waitFor({ state: "detached" });
    if (asks) {
      await expectFocus(page, "Cancel");
      await page.keyboard.press("Escape");
    }
    await expectFocus(page, "Start again");
  }
  await visitor.expectClean("at the end");
  await visitor.leave();
});

test("the focus goes back to where it was when a message closes", async () => {
  const { server } = stage;
  const visitor = await stage.visitor();
  const { page } = visitor;
  const id = await server.startRun(waits("to be stopped"));
  await visitor.open(`${server.url}/runs/${id}`);
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await page.getByRole("button", { name: "Stop run", exact: true }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Compare", exact: true }).focus();
  const close = page.getByRole("button", { name: "Close message" }).first();
  await close.focus();
  await expectFocus(page, "Close message");
  // It closes by itself.
  await page.getByRole("button", { name: "Close message" }).waitFor({ state: "detached" });
  await expectFocus(page, "Compare");
  await visitor.expectClean("at the end");
  await visitor.leave();
});

test("the focus stays with its row, and goes to the next one when the row is deleted", async () => {
  const { server } = stage;
  const visitor = await stage.visitor({ viewport: { width: 1440, height: 900 } }, ofDeletedRun);
  const { page } = visitor;
  const ids: number[] = [];
  for (const name of ["row a", "row b", "row c"]) {
    ids.push(await server.run({ name, custom_image_command: "true", num_workers: 1 }));
  }
  await visitor.open(`${server.url}/runs?q=row`);
  const [a = 0, b = 0, c = 0] = ids;
  await page.getByRole("button", { name: `Actions of run ${b}` }).focus();
  await page.getByRole("row", { name: "row b" }).focus();
  // The newest is first, so this one moves the others.
  const d = await server.run({ name: "row d", custom_image_command: "true", num_workers: 1 });
  await page.getByRole("row", { name: "row d" }).waitFor();
  await page.keyboard.press("ArrowDown");
  await expectFocus(page, `${a}row a`);
  await page.keyboard.press("ArrowUp");
  await expectFocus(page, `${b}row b`);

  await server.api("DELETE", `/api/runs/${b}/`);
  await expectFocus(page, `${a}row a`);
  await page.getByRole("row", { name: "row a" }).getByRole("link").focus();
  await server.api("DELETE", `/api/runs/${a}/`);
  await expectFocus(page, `${c}row c`);
  await page.getByRole("button", { name: `Actions of run ${c}` }).click();
  await page.getByRole("menuitem", { name: "Delete" }).waitFor();
  await server.api("DELETE", `/api/runs/${c}/`);
  await expectFocus(page, `${d}row d`);
  await server.api("DELETE", `/api/runs/${d}/`);
  await page.getByRole("row", { name: "row d" }).waitFor({ state: "detached" });
  assert.notEqual(await page.evaluate(() => document.activeElement?.tagName), "BODY");
  await visitor.leave();
});

test("the focus stays on what moves, and leaves what is hidden or disabled", async () => {
  const visitor = await stage.visitor();
  const { page } = visitor;
  await visitor.open(`${stage.server.url}/runs`);
  const change = (what: string) =>
    page.evaluate((what) => {
      const active = document.activeElement;
      if (!(active instanceof HTMLButtonElement)) throw new Error("no button has the focus");
      if (what === "disable") active.disabled = true;
      else if (what === "hide") active.hidden = true;
      else active.parentElement?.append(active);
    }, what);
  const help = page.getByRole("button", { name: "Keyboard shortcuts" });
  for (const what of ["disable", "hide", "move"]) {
    await help.focus();
    await change(what);
    await expectFocus(page, what === "move" ? "Keyboard shortcuts" : "Settings");
    await page.reload();
    await visitor.settle();
  }
  await visitor.leave();
});
