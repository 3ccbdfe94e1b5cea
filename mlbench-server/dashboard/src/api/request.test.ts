import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { isFinal, Problem } from "./problem";
import { sendJson } from "./request";

let respond: (signal: AbortSignal) => Response | Promise<Response>;

mock.method(globalThis, "fetch", (_: string, { signal }: { signal: AbortSignal }) =>
  Promise.resolve(respond(signal)),
);

/** A response whose body breaks off. */
function broken(reason: Error): Response {
  return new Response(new ReadableStream({ start: (controller) => controller.error(reason) }));
}

test("a response that breaks off, or takes too long, is a server that does not respond", async () => {
  for (const reason of [new TypeError("network error"), new DOMException("timed out", "TimeoutError")]) {
    respond = () => broken(reason);
    await assert.rejects(sendJson("api/runs/"), { name: "Problem", code: "unreachable" });
    respond = () => Promise.reject(reason);
    await assert.rejects(sendJson("api/runs/"), { name: "Problem", code: "unreachable" });
  }
});

test("a reader who leaves while the response comes gets the reason", async () => {
  const left = new AbortController();
  respond = () => {
    left.abort();
    return broken(new TypeError("network error"));
  };
  await assert.rejects(sendJson("api/runs/", { signal: left.signal }), { name: "AbortError" });
});

test("errors that pass are not final", () => {
  const final = [401, 404, 422].map((status) => isFinal(new Problem(status, "x", "x")));
  const passing = [0, 408, 429, 500, 503].map((status) => isFinal(new Problem(status, "x", "x")));
  assert.deepEqual(final, [true, true, true]);
  assert.deepEqual(passing, [false, false, false, false, false]);
  assert.equal(isFinal(new TypeError("x")), false);
});
