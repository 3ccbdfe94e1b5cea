/** The shortcut that a pressed key completes, or the keys that may yet become one. */
export interface Match {
  complete?: string;
  pending: string;
}

/**
 * Finds the shortcut that a key completes after the keys before it.
 *
 * A key that does not continue a sequence begins a new one, so that `g x` followed by `g r` works.
 */
export function match(known: readonly string[], before: string, key: string): Match {
  for (const keys of before === "" ? [key] : [`${before} ${key}`, key]) {
    if (known.includes(keys)) return { complete: keys, pending: "" };
    if (known.some((shortcut) => shortcut.startsWith(`${keys} `))) return { pending: keys };
  }
  return { pending: "" };
}
