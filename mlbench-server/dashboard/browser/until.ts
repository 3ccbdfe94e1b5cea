import { setTimeout as pause } from "node:timers/promises";

/** Only a failure waits that long. */
export const DEADLINE = 60_000;

/** Calls until the result is not undefined. */
export async function until<T>(what: string, read: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const end = Date.now() + DEADLINE;
  for (;;) {
    const result = await read();
    if (result !== undefined) return result;
    if (Date.now() > end) throw new Error(`${what}: not within ${DEADLINE / 1000} s`);
    await pause(50);
  }
}
