/** Something with an id that the server counts up. */
interface Identified {
  id: number;
}

/** Returns a list by ascending id with some entries changed, added or, where undefined, removed. */
export function changeRuns<T extends Identified>(
  list: readonly T[],
  changes: ReadonlyMap<number, T | undefined>,
): T[] {
  const next = list.slice();
  const added: T[] = [];
  const removed = new Set<number>();
  for (const [id, entry] of changes) {
    const index = indexOf(next, id);
    const found = next[index]?.id === id;
    if (entry === undefined) {
      if (found) removed.add(id);
    } else if (found) {
      next[index] = entry;
    } else {
      added.push(entry);
    }
  }
  const kept = removed.size === 0 ? next : next.filter(({ id }) => !removed.has(id));
  const last = kept.at(-1)?.id ?? -1;
  added.sort((a, b) => a.id - b.id);
  kept.push(...added);
  // A new run has the highest id, so this is rare.
  if (added.some(({ id }) => id < last)) kept.sort((a, b) => a.id - b.id);
  return kept;
}

/** Returns where an id is, or belongs, in a list by ascending id. */
export function indexOf(list: readonly Identified[], id: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle]?.id ?? Infinity) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
