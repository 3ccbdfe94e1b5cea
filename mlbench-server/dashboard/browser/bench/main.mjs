// Measures the page in a real Chromium and prints JSON: `node browser/bench/main.mjs`; `cargo xtask bench` runs it.
//
// The environment names MLBENCH_CHROMIUM, the browser, and MLBENCH_BENCH, JSON with the address of a server and what
// is in its database.
import { chromium } from "playwright-core";

import { FLAGS } from "../flags.mjs";
import { measureCharts } from "./charts.mjs";
import { firstChart, foreignRequests, liveTicks, zoom } from "./pages.mjs";

/** @typedef {{ url: string, compared: number, long: number, many: number, live: number }} Database */

/** @type {unknown} */
const setup = JSON.parse(process.env.MLBENCH_BENCH ?? "{}");
const { url, compared, long, many, live, seconds, posts } =
  /** @type {Database & { seconds: number, posts: number }} */ (setup);

const browser = await chromium.launch({
  executablePath: process.env.MLBENCH_CHROMIUM ?? "/usr/bin/chromium",
  args: FLAGS,
});
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  context.setDefaultTimeout(60_000);
  const { bare, live: frames } = await measureCharts(context, seconds * 1000);
  const foreign = foreignRequests(context, url);
  // The runs have equal parameters, so that the page would draw their median only.
  const compare = (/** @type {number} */ count) =>
    `${url}/compare?runs=${Array.from({ length: count }, (_, index) => index + 1).join()}&repeats=single`;
  const few = Math.min(10, compared);
  // The first visit fills the browser's cache, as that of a user is.
  await firstChart(context, compare(few), few);
  await firstChart(context, `${url}/runs/${long}`, 1);
  const first = await firstChart(context, compare(few), few);
  const all = await firstChart(context, compare(compared), Math.min(100, compared));
  const metrics = await firstChart(context, `${url}/runs/${many}`, 1);
  const million = await firstChart(context, `${url}/runs/${long}`, 1);
  const result = {
    bare,
    frames,
    few: first,
    compared: all,
    metrics,
    million,
    zoom: await zoom(context, `${url}/runs/${long}`),
    compared_zoom: await zoom(context, compare(few)),
    live: await liveTicks(context, url, live, posts),
    foreign: foreign(),
  };
  console.log(JSON.stringify(result));
} finally {
  await browser.close();
}
