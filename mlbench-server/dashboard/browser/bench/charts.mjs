// Measures the charts in a real Chromium: `node browser/bench/charts.mjs [SECONDS]`. Prints JSON.
//
// CHROMIUM names the browser. The bare canvas loop of the same run is the limit.
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import * as esbuild from "esbuild";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../..", import.meta.url));
const milliseconds = Number(process.argv[2] ?? 5) * 1000;

const { outputFiles } = await esbuild.build({
  absWorkingDir: root,
  entryPoints: [join("browser", "bench", "charts_page.tsx")],
  bundle: true,
  format: "esm",
  minify: true,
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  outdir: "unused",
  write: false,
});
const text = (/** @type {string} */ end) => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? "";

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
  ],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.on("pageerror", (error) => console.error(error));
  await page.route("**/*", (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === "/page.js") return route.fulfill({ contentType: "text/javascript", body: text(".js") });
    if (pathname === "/page.css") return route.fulfill({ contentType: "text/css", body: text(".css") });
    return route.fulfill({
      contentType: "text/html",
      body: `<!doctype html><link rel="stylesheet" href="/page.css"><div id="app"></div><script type="module" src="/page.js"></script>`,
    });
  });
  await page.goto("http://bench.invalid/");
  await page.waitForFunction("globalThis.bench !== undefined");
  /** @type {(call: string) => Promise<unknown>} */
  const run = (call) => page.evaluate(`bench.${call}`);
  const result = {
    bare: await run(`bare(${milliseconds})`),
    live_50x1000_10hz: await run(`live(${milliseconds})`),
    first_10x10000_ms: await run("first(10, 10000)"),
    first_again_ms: await run("first(10, 10000)"),
  };
  console.log(JSON.stringify(result, null, 2));
} finally {
  await browser.close();
}
