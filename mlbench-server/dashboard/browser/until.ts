import { setTimeout as pause } from "node:timers/promises";

/** Only a failure waits that long. */
export const DEADLINE = 60_000;

/** Asks until the answer is not undefined. */
export async function until<T>(what: string, ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const end = Date.now() + DEADLINE;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`${what}: not within ${DEADLINE / 1000} s`);
    await pause(50);
  }
}
