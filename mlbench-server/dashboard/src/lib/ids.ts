/** How many runs the server compares at once. */
export const MOST_RUNS = 1_000;
/** How many of them have curves: more can neither be distinguished nor followed live. */
export const MOST_CURVES = 100;

/** Reads ids and ranges such as `1-5,8`; what is none of them is left out. */
export function parseIds(text: string): number[] {
  const ids = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^\s*([1-9][0-9]{0,14})(?:-([1-9][0-9]{0,14}))?\s*$/.exec(part);
    if (match === null) continue;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    for (let id = first; id <= last && ids.size < MOST_RUNS; id += 1) ids.add(id);
  }
  return [...ids].sort((a, b) => a - b);
}
