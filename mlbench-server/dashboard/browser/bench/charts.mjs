// Measures charts with made-up curves, without a server; a bare canvas loop of the same run is the limit.
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import * as esbuild from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Measures frames of 50 curves of 1,000 points with new points at 10 Hz.
 *
 * @param {import("playwright-core").BrowserContext} context
 * @param {number} milliseconds
 * @returns {Promise<{ bare: Frames, live: Frames }>}
 * @typedef {{ fps: number, p99: number, longTasks: number }} Frames
 */
export async function measureCharts(context, milliseconds) {
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
  const page = await context.newPage();
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
  const frames = (/** @type {string} */ call) =>
    /** @type {Promise<Frames>} */ (page.evaluate(`bench.${call}(${milliseconds})`));
  const result = { bare: await frames("bare"), live: await frames("live") };
  await page.close();
  return result;
}
