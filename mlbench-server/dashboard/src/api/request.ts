import { address } from "../lib/base";
import { needsToken } from "./access";
import { forgetEarly, READING, takeEarly } from "./early";
import { Problem } from "./problem";

/** How long a response may take, in milliseconds. */
const TIMEOUT = 30_000;

/** What a request carries. */
export interface RequestOptions {
  method?: "GET" | "POST" | "PATCH" | "DELETE";
  query?: URLSearchParams;
  body?: unknown;
  signal?: AbortSignal;
  /** Sent with everything that stores or starts something, so that a repeat does nothing twice. */
  idempotencyKey?: string;
}

/**
 * Sends a request to a path such as `api/runs/` and returns its response, which succeeded.
 *
 * It fails with a `Problem`, or with the reason of `signal`.
 */
export async function send(path: string, options: RequestOptions = {}): Promise<Response> {
  const headers: Record<string, string> = { ...READING.headers };
  if (options.body !== undefined) headers["content-type"] = "application/json";
  if (options.idempotencyKey !== undefined) headers["idempotency-key"] = options.idempotencyKey;
  const query = options.query?.toString() ?? "";
  const { method = "GET" } = options;
  const url = address(query === "" ? path : `${path}?${query}`);
  if (method !== "GET") forgetEarly();
  options.signal?.throwIfAborted();
  const early = await takeEarly(url, options.signal);
  if (early !== undefined) return early;
  const timeout = AbortSignal.timeout(TIMEOUT);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
  const response = await reached(
    () =>
      fetch(url, {
        ...READING,
        method,
        headers,
        signal,
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      }),
    options.signal,
  );
  if (response.status === 401) needsToken.value = true;
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** Sends a request and reads its JSON. */
export async function sendJson<T>(path: string, options: RequestOptions = {}): Promise<T> {
  return readJson(await send(path, options), options.signal);
}

/** Reads the JSON of a response, which may break off. */
export function readJson<T>(response: Response, signal?: AbortSignal): Promise<T> {
  return reached(() => response.json() as Promise<T>, signal);
}

/** Turns the failure of a connection, or its end by the timeout, into a problem; a reader who left gets his reason. */
async function reached<T>(call: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await call();
  } catch {
    signal?.throwIfAborted();
    throw new Problem(0, "unreachable", "the server does not respond; check that it runs");
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const retryAfter = Number(response.headers.get("retry-after") ?? NaN);
  const wait = Number.isFinite(retryAfter) ? retryAfter : undefined;
  try {
    const body = (await response.json()) as { code?: unknown; detail?: unknown };
    if (typeof body.code === "string" && typeof body.detail === "string") {
      return new Problem(response.status, body.code, body.detail, wait);
    }
  } catch {
    // Not a problem document: a proxy responded.
  }
  return new Problem(
    response.status,
    "http",
    `the server responded ${response.status} ${response.statusText}`,
    wait,
  );
}
