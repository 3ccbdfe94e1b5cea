import { batch } from "@preact/signals";

/** The shortest time between two updates of the page that events cause, in milliseconds; responses do not wait so. */
const INTERVAL = 100;

const waiting = new Set<() => void>();
let timer: ReturnType<typeof setTimeout> | undefined;
let last = 0;
/** How many responses are being waited for: those that come first, and those that no other one waits for. */
const expected = { now: 0, after: 0 };

/** Calls soon, once for all calls of 100 ms, and not while the tab is hidden. */
export function publish(call: () => void): void {
  waiting.add(call);
  if (timer !== undefined || hidden()) return;
  timer = setTimeout(flush, Math.max(0, INTERVAL - (performance.now() - last)));
}

/**
 * Says that a response is being waited for; the returned function says that it is there, and calls within 100 ms.
 *
 * Responses that come together are shown together: it calls at once when no other is being waited for. Those that are
 * expected after the others, as the points of further charts, hold up only each other.
 */
export function expect(when: "now" | "after" = "now"): (call?: () => void) => void {
  expected[when] += 1;
  return (call) => {
    expected[when] -= 1;
    if (call !== undefined) waiting.add(call);
    if (waiting.size === 0 || hidden()) return;
    if (expected.now > 0 || (when === "after" && expected.after > 0)) {
      timer ??= setTimeout(flush, INTERVAL);
      return;
    }
    clearTimeout(timer);
    flush();
  };
}

/** Withdraws a call. */
export function withdraw(call: () => void): void {
  waiting.delete(call);
}

function flush(): void {
  timer = undefined;
  if (hidden()) return;
  last = performance.now();
  const calls = [...waiting];
  waiting.clear();
  try {
    batch(() => {
      for (const call of calls) call();
    });
  } catch (error) {
    // A component failed, and not who brought it the news.
    reportError(error);
  }
}

function hidden(): boolean {
  return typeof document !== "undefined" && document.visibilityState === "hidden";
}

if (typeof document !== "undefined") {
  document.addEventListener("visibilitychange", () => {
    if (waiting.size > 0 && timer === undefined) flush();
  });
}
