/** Texts by name as they are edited: those that a line can hold as lines, the others as they are. */
export interface NameValues {
  text: string;
  /** Those whose values have several lines. */
  kept: Readonly<Record<string, string>>;
}

/** Returns how texts by name are edited: one `NAME=VALUE` per line. */
export function nameValues(variables: Readonly<Record<string, string>> = {}): NameValues {
  const fits = ([, value]: [string, string]) => !/[\r\n]/.test(value);
  const entries = Object.entries(variables);
  return {
    text: entries
      .filter(fits)
      .map(([name, value]) => `${name}=${value}`)
      .join("\n"),
    kept: Object.fromEntries(entries.filter((entry) => !fits(entry))),
  };
}

/** Names the texts that are kept although no line shows them; empty where all are lines. */
export function keptText({ kept }: NameValues): string {
  const names = Object.keys(kept);
  return names.length === 0 ? "" : `Kept, because their values have several lines: ${names.join(", ")}`;
}

/** Reads texts by name, or says which line is none. The server judges names and values. */
export function readNameValues({ text, kept }: NameValues): Record<string, string> | string {
  const variables = new Map(Object.entries(kept));
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === "") continue;
    const at = line.indexOf("=");
    if (at < 0) return `must be NAME=VALUE on each line, not "${line.trim()}"`;
    const name = line.slice(0, at).trim();
    if (variables.has(name)) return `"${name}" is there twice; remove one`;
    variables.set(name, line.slice(at + 1));
  }
  return Object.fromEntries(variables);
}
