import { readFileSync } from "node:fs";

import type { Locator, Page } from "playwright-core";

/** A chart of a page, found by its title. */
export class ChartView {
  private readonly figure: Locator;

  constructor(page: Page, title: string) {
    this.figure = page.getByRole("figure", { name: title, exact: true });
  }

  /** Returns how many points all its curves have, from the words that describe it. */
  async points(): Promise<number> {
    const words = await this.figure.locator("p.unseen").first().textContent();
    const counts = [...(words ?? "").matchAll(/: (\d+) points?,/g)];
    return counts.reduce((sum, [, count]) => sum + Number(count), 0);
  }

  /** Returns the values that the page holds, from the CSV that it offers. */
  async values(): Promise<string[]> {
    const page = this.figure.page();
    const downloaded = page.waitForEvent("download");
    await this.figure.getByRole("button", { name: /^Download .* as CSV$/ }).click();
    const download = await downloaded;
    const lines = readFileSync(await download.path(), "utf8")
      .trimEnd()
      .split("\r\n");
    return lines.slice(1).map((line) => line.split(",").at(-1) ?? "");
  }
}
