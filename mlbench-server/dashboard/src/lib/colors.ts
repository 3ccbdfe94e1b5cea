/** How many colours the palette has. */
export const COLORS = 8;

const STORED = "mlbench.colors";
/** How many colours of runs are remembered: some kB of the browser's storage. */
const MOST = 500;

/**
 * Returns a colour for each id, so that no two of them look alike: an index into the palette, beyond 8 dashed.
 *
 * An id keeps its remembered colour, or gets that of its place in the order of ids. Of two that want one colour, the
 * later one gets the next free.
 */
export function assignColors(
  ids: Iterable<number>,
  remembered: ReadonlyMap<number, number> = new Map(),
): Map<number, number> {
  const shown = [...new Set(ids)].sort((a, b) => a - b);
  const taken = new Map<number, number>();
  const homeless: number[] = [];
  for (const id of [
    ...shown.filter((id) => remembered.has(id)),
    ...shown.filter((id) => !remembered.has(id)),
  ]) {
    const wanted = remembered.get(id) ?? (((id - 1) % COLORS) + COLORS) % COLORS;
    if (taken.has(wanted)) homeless.push(id);
    else taken.set(wanted, id);
  }
  for (const id of homeless) {
    const wanted = remembered.get(id) ?? id - 1;
    taken.set(nextFree(taken, ((wanted % COLORS) + COLORS) % COLORS), id);
  }
  return new Map([...taken].map(([color, id]) => [id, color]));
}

function nextFree(taken: ReadonlyMap<number, number>, from: number): number {
  for (let level = 0; ; level += 1) {
    for (let step = 0; step < COLORS; step += 1) {
      const color = level * COLORS + ((from + step) % COLORS);
      if (!taken.has(color)) return color;
    }
  }
}

/** The colours that runs got, in all tabs of this browser. */
function read(): Map<number, number> {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORED) ?? "[]");
    if (!Array.isArray(stored)) return new Map();
    const pairs = stored.filter(
      (pair): pair is [number, number] =>
        Array.isArray(pair) && pair.length === 2 && pair.every((part) => Number.isInteger(part) && part >= 0),
    );
    return new Map(pairs);
  } catch {
    return new Map();
  }
}

/** Returns the colour of each run that is shown together, the same on every page and in every tab. */
export function runColors(ids: Iterable<number>): Map<number, number> {
  const remembered = read();
  const colors = assignColors(ids, remembered);
  // Only a colour that does not follow from the id needs memory.
  const moved = [...colors].filter(
    ([id, color]) => color < COLORS && color !== (id - 1) % COLORS && remembered.get(id) !== color,
  );
  if (moved.length > 0) {
    const kept = [...remembered].filter(([id]) => !moved.some(([other]) => other === id));
    try {
      localStorage.setItem(STORED, JSON.stringify([...kept, ...moved].slice(-MOST)));
    } catch {
      // Storage is full or forbidden: the colours are those of this page.
    }
  }
  return colors;
}
