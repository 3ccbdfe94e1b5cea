// Every page, light and dark, wide and on a phone: no error, no foreign request, no finding of axe; with pictures.
import { after, before, test } from "node:test";

import type { Browser } from "playwright-core";

import { Server } from "./server";
import { launch, Visitor } from "./visitor";

const HOSTILE = `<script>alert("x")</script> \u202Ertl ${"long ".repeat(12)}`.slice(0, 99).trim();

let server: Server;
let browser: Browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
  await server.run({ name: "two workers", light_target: true });
  await server.run({ name: HOSTILE, custom_image_command: "sh -c 'echo \"no data\" >&2; exit 3'" });
});

after(async () => {
  await browser.close();
  await server.stop();
});

const PAGES = [
  ["workers", "/"],
  ["worker", "/workers/local-mlbench-worker-0"],
  ["runs", "/runs"],
  ["run", "/runs/1"],
  ["failed-run", "/runs/2"],
  ["compare", "/compare?runs=1,2"],
  ["missing", "/nowhere"],
] as const;

const VIEWS = [
  ["light", 1440],
  ["dark", 1440],
  ["light", 360],
  ["dark", 360],
] as const;

for (const [scheme, width] of VIEWS) {
  for (const [name, path] of PAGES) {
    test(`${name}, ${scheme}, ${width} pixels`, async () => {
      // The status of a page that does not exist is an error in the console.
      const expected = (problem: string) => name === "missing" && problem.includes("404");
      const visitor = await Visitor.come(
        browser,
        { colorScheme: scheme, viewport: { width, height: 900 } },
        expected,
      );
      try {
        await visitor.open(`${server.url}${path}`);
        await visitor.picture(`${name}-${scheme}-${width}`);
        await visitor.expectClean(path);
        await visitor.expectAccessible(path);
      } finally {
        await visitor.leave();
      }
    });
  }
}
