// Times pages of a real server, in milliseconds from what a user does until the pixels are there.

/** @typedef {import("playwright-core").BrowserContext} BrowserContext */

/** How many times a measurement is repeated; its median counts. */
const ROUNDS = 3;

/**
 * Counts requests to other hosts from now on.
 *
 * @param {BrowserContext} context
 * @param {string} own
 * @returns {() => number}
 */
export function foreignRequests(context, own) {
  let count = 0;
  context.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== own && protocol !== "blob:" && protocol !== "data:") count += 1;
  });
  return () => count;
}

/** The longest wait for pixels, in milliseconds. */
const DEADLINE = 30_000;

/**
 * Waits for something that a page shows, and fails with its name after a deadline.
 *
 * @template T
 * @param {string} what
 * @param {Promise<T>} shown
 * @returns {Promise<T>}
 */
function within(what, shown) {
  /** @type {Promise<never>} */
  const late = new Promise((_, reject) => {
    setTimeout(() => {
      reject(new Error(`${what} did not appear within ${DEADLINE / 1000} s`));
    }, DEADLINE).unref();
  });
  return Promise.race([shown, late]);
}

/**
 * Opens a page and waits until a chart of it has this many curves.
 *
 * @param {BrowserContext} context
 * @param {string} url
 * @param {number} curves
 * @returns {Promise<{ ms: number, charts: number }>} The time and the number of charts that the page has built.
 */
export async function firstChart(context, url, curves) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const page = await context.newPage();
    await page.goto(url, { waitUntil: "commit" });
    rounds.push(await within(`a chart of ${curves} curves of ${url}`, page.evaluate(whenDrawn, curves)));
    await page.close();
  }
  rounds.sort((a, b) => a.ms - b.ms);
  return rounds[Math.floor(ROUNDS / 2)] ?? { ms: NaN, charts: 0 };
}

/**
 * Runs in the page: resolves one frame after a chart has drawn this many curves.
 *
 * @param {number} curves
 * @returns {Promise<{ ms: number, charts: number }>}
 */
function whenDrawn(curves) {
  const drawn = () =>
    [...document.querySelectorAll("figure.chart")].some((chart) => {
      const words = chart.querySelector("p.unseen")?.textContent ?? "";
      const more = Number(/And (\d+) more/.exec(words)?.[1] ?? 0);
      return (words.match(/: \d+ (point|bucket)s?,/g)?.length ?? 0) + more >= curves;
    });
  return new Promise((resolve) => {
    const look = () => {
      if (!drawn()) requestAnimationFrame(look);
      else {
        requestAnimationFrame(() => {
          resolve({ ms: performance.now(), charts: document.querySelectorAll("figure.chart").length });
        });
      }
    };
    look();
  });
}

/**
 * Selects a part of a chart with the mouse, and times from the release of the button to the pixels of its detail.
 *
 * @param {BrowserContext} context
 * @param {string} url
 * @returns {Promise<number>}
 */
export async function zoom(context, url) {
  /** @type {number[]} */
  const times = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const page = await context.newPage();
    await page.goto(url);
    await within(`a chart of ${url}`, page.evaluate(whenDrawn, 1));
    // What comes later moves the chart.
    await page.waitForFunction(() => document.querySelector(".loading") === null);
    const plot = page.locator(".chart-plot").first();
    await plot.scrollIntoViewIfNeeded();
    const box = await plot.boundingBox();
    if (box === null) throw new Error("the chart has no place");
    const at = (/** @type {number} */ part) =>
      /** @type {const} */ ([box.x + box.width * part, box.y + box.height / 2]);
    await page.mouse.move(...at(0.5));
    await page.mouse.down();
    await page.mouse.move(...at(0.6), { steps: 3 });
    // A mouse comes before scripts: the page must watch before the button is released.
    await page.evaluate(watchDetail);
    await page.mouse.up();
    times.push(await within(`the detail of ${url}`, page.evaluate("detail")));
    await page.close();
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(ROUNDS / 2)] ?? NaN;
}

/** Runs in the page: times from the release of the mouse until every curve of the first chart has other points. */
function watchDetail() {
  const words = document.querySelector(".chart-plot")?.closest("figure")?.querySelector("p.unseen");
  if (words === null || words === undefined) throw new Error("the page has no chart");
  const counts = () => words.textContent.match(/: \d+ (point|bucket)s?,/g) ?? [];
  const coarse = counts();
  const detail = new Promise((/** @type {(time: number) => void} */ resolve) => {
    let released = NaN;
    addEventListener("pointerup", () => (released = performance.now()), { once: true, capture: true });
    const observer = new MutationObserver(() => {
      const now = counts();
      if (Number.isNaN(released) || !coarse.every((count, curve) => now[curve] !== count)) return;
      observer.disconnect();
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          resolve(performance.now() - released);
        }),
      );
    });
    observer.observe(words, { characterData: true, childList: true, subtree: true });
  });
  Object.assign(globalThis, { detail });
}

/**
 * Posts points one after the other, and times each until the open page has drawn it.
 *
 * @param {BrowserContext} context
 * @param {string} url
 * @param {number} run
 * @param {number} posts
 * @returns {Promise<{ p50: number, p95: number, bytes: number, requests: number }>}
 *   The times, the bytes that the page received per point, and the requests that it sent meanwhile.
 */
export async function liveTicks(context, url, run, posts) {
  const page = await context.newPage();
  const protocol = await context.newCDPSession(page);
  let bytes = 0;
  let requests = 0;
  protocol.on("Network.dataReceived", ({ dataLength }) => (bytes += dataLength));
  protocol.on("Network.requestWillBeSent", () => (requests += 1));
  await protocol.send("Network.enable");
  await page.goto(`${url}/runs/${run}`);
  await within(`a chart of run ${run}`, page.evaluate(whenDrawn, 1));
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 1000)));
  bytes = 0;
  requests = 0;
  /** @type {number[]} */
  const times = [];
  for (let post = 0; post < posts; post += 1) {
    const drawn = within("a posted point", page.evaluate(whenChanged));
    // The observer is there before the point is.
    await page.evaluate(() => 0);
    const begin = Date.now();
    const response = await fetch(`${url}/api/metrics/`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ run_id: run, name: "train_loss @ 0", value: 1 / (post + 2) }),
    });
    if (!response.ok) throw new Error(`the server refused a point: ${response.status}`);
    times.push((await drawn) - begin);
    // Points of a training come at any time between two batches of events.
    await page.evaluate((pause) => new Promise((resolve) => setTimeout(resolve, pause)), (post * 37) % 100);
  }
  await page.close();
  times.sort((a, b) => a - b);
  const at = (/** @type {number} */ part) => times[Math.min(posts - 1, Math.floor(posts * part))] ?? NaN;
  return { p50: at(0.5), p95: at(0.95), bytes: bytes / posts, requests };
}

/** Runs in the page: resolves with the date at which the next change of a chart is on the screen. */
function whenChanged() {
  return new Promise((/** @type {(date: number) => void} */ resolve) => {
    const words = document.querySelector("figure.chart p.unseen");
    if (words === null) throw new Error("the page has no chart");
    const observer = new MutationObserver(() => {
      observer.disconnect();
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          resolve(Date.now());
        }),
      );
    });
    observer.observe(words, { characterData: true, childList: true, subtree: true });
  });
}
