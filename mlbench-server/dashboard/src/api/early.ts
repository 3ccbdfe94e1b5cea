import { address } from "../lib/base";

/** Responses that were requested before the code of the page had come, by their address. */
interface Early {
  responses: Map<string, Promise<Response | undefined>>;
  /** When they were requested, in milliseconds since the page was opened. */
  at: number;
}

declare global {
  var mlbenchEarly: Early | undefined;
}

/** How long such a response may take, and wait for its reader, in milliseconds. */
const LIFE = 10_000;

/** The headers and the mode of every request that reads. */
export const READING = { headers: { accept: "application/json" }, cache: "no-store" } as const;

/** Requests paths such as `api/runs/3/` for readers who come soon. */
export function requestEarly(paths: readonly string[]): void {
  const responses = new Map(paths.map((path) => [address(path), begin(address(path))]));
  globalThis.mlbenchEarly = { responses, at: performance.now() };
}

/**
 * Returns a response that was requested early, once; undefined if there is none, or it has failed.
 *
 * A reader who leaves does not wait for it.
 */
export function takeEarly(url: string, signal?: AbortSignal): Promise<Response | undefined> {
  const early = globalThis.mlbenchEarly;
  if (early === undefined) return Promise.resolve(undefined);
  if (performance.now() - early.at > LIFE) forgetEarly();
  const response = early.responses.get(url);
  early.responses.delete(url);
  if (response === undefined) return Promise.resolve(undefined);
  if (signal === undefined) return response;
  return new Promise((resolve, reject) => {
    const leave = () => {
      // Who comes after reads it.
      early.responses.set(url, response);
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", leave, { once: true });
    void response.then((found) => {
      signal.removeEventListener("abort", leave);
      resolve(found);
    });
  });
}

/** Forgets what was requested early: something changes it, or the stream goes on from a later position. */
export function forgetEarly(): void {
  globalThis.mlbenchEarly?.responses.clear();
}

/** Sends a request and receives all of its response, so that its reader need not wait for the rest. */
async function begin(url: string): Promise<Response | undefined> {
  try {
    const response = await fetch(url, { ...READING, signal: AbortSignal.timeout(LIFE) });
    if (!response.ok) return undefined;
    return new Response(await response.arrayBuffer(), response);
  } catch {
    return undefined;
  }
}
