/** How close to the end is close enough. */
const CLOSE = 1_000;
/** The numbers that are tried first; a run has hardly more lines. */
const FIRST = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
const PARTS = 5;

/**
 * Finds where a long output ends: returns a sequence number of which at most 1,000 lines come after.
 *
 * The API reads output forwards only, so this asks whether lines come after some numbers, in three or four rounds.
 */
export async function findEnd(hasAfter: (seq: number) => Promise<boolean>): Promise<number> {
  let [low, high] = bracket(0, FIRST, await Promise.all(FIRST.map(hasAfter)));
  while (high - low > CLOSE) {
    const [from, step] = [low, (high - low) / PARTS];
    const probes = Array.from({ length: PARTS - 1 }, (_, index) => Math.ceil(from + step * (index + 1)));
    [low, high] = bracket(low, [...probes, high], [...(await Promise.all(probes.map(hasAfter))), false]);
  }
  return low;
}

/** Returns the last number with lines after it, and the first without. */
function bracket(low: number, probes: readonly number[], after: readonly boolean[]): [number, number] {
  const index = after.indexOf(false);
  const end = index === -1 ? probes.length : index;
  return [probes[end - 1] ?? low, probes[end] ?? (probes.at(-1) ?? low) + CLOSE];
}
