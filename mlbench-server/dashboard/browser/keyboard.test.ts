// Everything a person does with runs, with keys alone; the focus is always somewhere and can be seen.
import assert from "node:assert/strict";
import { test } from "node:test";

import type { Page } from "playwright-core";

import { Stage } from "./stage";
import { ofDeletedRun } from "./visitor";

const stage = new Stage();

/** The most keys that lead to a control. */
const FAR = 80;

/** A person without a mouse. */
class Hands {
  /** The name of what had the focus when it was last looked for. */
  private before = "nothing";

  constructor(private readonly page: Page) {}

  /** Presses keys one after the other, and looks where the focus is after each. */
  async press(...keys: string[]): Promise<void> {
    for (const key of keys) {
      await this.page.keyboard.press(key);
      await this.expectFocus(key);
    }
  }

  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text);
    await this.expectFocus(text);
  }

  /** Moves the focus to the control with this name. */
  async reach(name: string | RegExp, key = "Tab"): Promise<void> {
    for (let count = 0; count < FAR; count += 1) {
      const found = await this.focusName();
      if (typeof name === "string" ? found === name : name.test(found)) return;
      await this.press(key);
    }
    assert.fail(`${String(name)}: not within ${FAR} × ${key}`);
  }

  /** Fails if nothing has the focus, or one cannot see where it is. */
  async expectFocus(after: string): Promise<void> {
    // An action may take a moment to move the focus, but must not leave it nowhere.
    await this.page
      .waitForFunction(() => document.activeElement !== document.body)
      .catch(() => assert.fail(`nothing has the focus after ${after}; before, ${this.before} had it`));
    const problem = await this.page.evaluate(() => {
      const element = document.activeElement;
      if (!(element instanceof HTMLElement)) return "nothing has the focus";
      // The content of a page takes the focus so that the next Tab begins there; it is no control.
      if (element.id === "content") return "";
      const { width, height, bottom, top } = element.getBoundingClientRect();
      const marked = [element, element.closest("label")].some((marked) => {
        if (marked === null) return false;
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(marked);
        return (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
      });
      const shown = element.closest("label")?.getBoundingClientRect() ?? element.getBoundingClientRect();
      const inView = bottom > 0 && top < innerHeight && shown.width > 0 && shown.height > 0;
      const what = `${element.tagName} ${element.className} ${element.textContent.slice(0, 60)} (${width} × ${height})`;
      return marked ? (inView ? "" : `out of view: ${what}`) : `no mark: ${what}`;
    });
    assert.equal(problem, "", `after ${after}`);
    this.before = await this.focusName();
  }

  /** Returns the name of what has the focus. */
  private focusName(): Promise<string> {
    return this.page.evaluate(() => {
      const element = document.activeElement;
      if (!(element instanceof HTMLElement)) return "";
      const label = element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : undefined;
      return element.getAttribute("aria-label") ?? label ?? element.textContent.trim();
    });
  }
}

test("runs are started, opened, stopped and deleted with keys", async () => {
  const visitor = await stage.visitor({ viewport: { width: 1440, height: 900 } }, ofDeletedRun);
  const { page } = visitor;
  const hands = new Hands(page);
  await visitor.open(`${stage.server.url}/`);
  await hands.press("Tab");
  await page.getByRole("link", { name: "Skip to content" }).waitFor();
  await hands.press("g", "r");
  await page.getByText("No runs yet").waitFor();

  await hands.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await help.waitFor();
  await visitor.picture("help-light-1440");
  await visitor.expectAccessible("the help");
  await hands.press("Escape");
  await help.waitFor({ state: "detached" });
  await hands.expectFocus("the help");

  await hands.press("n");
  const dialog = page.getByRole("dialog", { name: "Start run" });
  await dialog.waitFor();
  await hands.type("by keys");
  await hands.reach(/^Built-in benchmark/);
  await hands.press("ArrowDown");
  await hands.reach("Command");
  await hands.type("sleep 600");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "by keys" }).waitFor();
  await hands.expectFocus("the start");
  await page.locator(".run-title .badge").filter({ hasText: "Started" }).waitFor();

  await hands.reach("Stop");
  await hands.press("Enter");
  const question = page.getByRole("dialog", { name: "Stop run 1?" });
  await question.waitFor();
  await visitor.expectAccessible("the question");
  await hands.reach("Stop run");
  await page.keyboard.press("Enter");
  await question.waitFor({ state: "detached" });
  await page.locator(".run-title .badge").filter({ hasText: "Stopped" }).waitFor();
  await hands.expectFocus("the stop");

  await hands.press("g", "r");
  await page.getByRole("row", { name: "by keys" }).waitFor();
  await hands.press("j");
  await hands.press("Enter");
  await page.getByRole("heading", { level: 1, name: "by keys" }).waitFor();
  await hands.expectFocus("opening the run");
  await hands.reach("Delete");
  await hands.press("Enter");
  await hands.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await hands.expectFocus("leaving the question");
  await hands.press("Enter");
  await hands.reach("Delete run");
  await page.keyboard.press("Enter");
  await page.getByText("No runs yet").waitFor();
  await hands.expectFocus("the deletion");
  await visitor.expectClean("at the end");
  await visitor.leave();
});

test("Tab goes through every page and back without a trap", async () => {
  const id = await stage.server.run({ name: "to walk through", light_target: true });
  const visitor = await stage.visitor({ viewport: { width: 1440, height: 900 } });
  const { page } = visitor;
  const hands = new Hands(page);
  for (const path of ["/", "/runs", `/runs/${id}`]) {
    await visitor.open(`${stage.server.url}${path}`);
    await hands.press("Tab");
    let round = false;
    let steps = 0;
    // Charts that come into view, and what loads late, add controls while somebody walks.
    for (let controls = 1; steps < controls + FAR && !round; steps += 1) {
      await page.keyboard.press("Tab");
      // Behind the last control the browser's own controls follow, which a page without a window has not.
      [round, controls] = await page.evaluate(() => {
        const active = document.activeElement;
        const all = document.querySelectorAll("a[href], button, input, select, [tabindex='0']");
        return [active === document.body || active?.classList.contains("skip") === true, all.length] as const;
      });
      if (!round) await hands.expectFocus(`${steps} × Tab on ${path}`);
    }
    assert.ok(round, `${path}: Tab did not come back to the beginning within ${steps} steps`);
    assert.ok(steps > 5, path);
  }
  await visitor.expectClean("at the end");
  await visitor.leave();
});
