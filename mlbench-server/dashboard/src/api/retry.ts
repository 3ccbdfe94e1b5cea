import { isFinal } from "./problem";

/** How long to wait before another attempt, in milliseconds. */
export const RETRY = 2_000;

/** Reads until it succeeds, or fails so that it will fail again, or the reader leaves. */
export async function withRetries<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (signal.aborted || isFinal(error)) throw error;
    }
    await rest(signal);
    signal.throwIfAborted();
  }
}

/** Waits for the next attempt, and no longer than the reader. */
function rest(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, RETRY);
    signal.addEventListener("abort", end);
  });
}
