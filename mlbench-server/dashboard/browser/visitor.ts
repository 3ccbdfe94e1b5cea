import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

import { FLAGS } from "./flags.mjs";
import { setting } from "./setting";
import { DEADLINE } from "./until";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The most pixels of a picture from top to bottom. */
const HIGHEST = 12_000;

/** Starts the browser. */
export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: setting("MLBENCH_CHROMIUM"), args: FLAGS, timeout: DEADLINE });
}

/** A request under way for a run that the flow deletes may come too late. */
export function ofDeletedRun(problem: string): boolean {
  return problem.includes("404") && /\/api\/(runs|metrics)\/1\//.test(problem);
}

/** A person with a browser: looks at pages, and remembers everything that went wrong in them. */
export class Visitor {
  /** What went wrong: errors of scripts, of the console, of the policy, and requests to other hosts. */
  readonly problems: string[] = [];

  private constructor(
    readonly page: Page,
    private readonly expected: (problem: string) => boolean,
  ) {}

  /** Opens a tab. `expected` are problems that the flow causes itself. */
  static async come(
    browser: Browser,
    options: BrowserContextOptions = {},
    expected: (problem: string) => boolean = () => false,
  ): Promise<Visitor> {
    const context = await browser.newContext({ locale: "en-US", timezoneId: "UTC", ...options });
    context.setDefaultTimeout(DEADLINE);
    return Visitor.inTab(await context.newPage(), expected);
  }

  /** Watches a tab. */
  static inTab(page: Page, expected: (problem: string) => boolean = () => false): Visitor {
    const visitor = new Visitor(page, expected);
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        visitor.note(`${message.text()} (${message.location().url})`);
      }
    });
    page.on("pageerror", (error) => visitor.note(`uncaught: ${error.message}`));
    page.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      const own = visitor.origin === undefined || origin === visitor.origin;
      if (!own && protocol !== "data:" && protocol !== "blob:")
        visitor.note(`foreign request: ${request.url()}`);
    });
    return visitor;
  }

  private origin: string | undefined;

  private note(problem: string) {
    // Somebody else on this machine has added or removed a network interface, which breaks requests under way.
    if (problem.includes("net::ERR_NETWORK_CHANGED")) return;
    if (!this.expected(problem)) this.problems.push(problem);
  }

  /** Opens an address and waits until the page has read its data. */
  async open(url: string): Promise<void> {
    this.origin = new URL(url).origin;
    await this.page.goto(url, { waitUntil: "load" });
    await this.settle();
  }

  /** Waits until the page shows its heading and nothing is being read. */
  async settle(): Promise<void> {
    await this.page.locator("h1").first().waitFor();
    await this.page.waitForFunction(() => {
      const charts = [...document.querySelectorAll(".chart-blank")];
      const busy = document.querySelector(".loading, [aria-busy=true]");
      return busy === null && !charts.some((blank) => blank.textContent.startsWith("Loading"));
    });
    // Charts draw in the frame after their data.
    await this.page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
  }

  /** Checks what a person notices at once: errors, and a page that is wider than its window. */
  async expectClean(where: string): Promise<void> {
    assert.deepEqual(this.problems, [], where);
    const overflow = await this.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.ok(overflow <= 0, `${where}: the page is ${overflow} pixels wider than its window`);
  }

  /** Checks the page with axe. */
  async expectAccessible(where: string): Promise<void> {
    await this.page.evaluate(AXE);
    const violations = await this.page.evaluate(async () => {
      const { violations } = await window.axe.run(document);
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
    });
    assert.deepEqual(violations, [], where);
  }

  /** Takes a picture of the whole page. */
  async picture(name: string): Promise<void> {
    const folder = setting("MLBENCH_SCREENSHOTS");
    mkdirSync(folder, { recursive: true });
    const before = this.page.viewportSize();
    const height = await this.page.evaluate(() => document.documentElement.scrollHeight);
    // Charts exist near the window only, so it becomes as high as the page.
    if (before !== null && height > before.height) {
      await this.page.setViewportSize({ ...before, height: Math.min(height, HIGHEST) });
      await this.settle();
    }
    await this.page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
    if (before !== null) await this.page.setViewportSize(before);
  }

  /** Closes the tab and everything of this person. */
  async leave(): Promise<void> {
    await this.page.context().close();
  }
}

declare global {
  interface Window {
    axe: { run(on: Document): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
  }
}
