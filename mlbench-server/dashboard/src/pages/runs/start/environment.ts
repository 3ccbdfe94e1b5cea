/** The variables of a run: those that a line of text can hold as text, the others as they are. */
export interface EnvironmentForm {
  text: string;
  /** Variables whose values have several lines, from the run that is started again. */
  kept: Readonly<Record<string, string>>;
}

/** Returns how the variables of a run are edited: one `NAME=VALUE` per line. */
export function environmentForm(variables: Readonly<Record<string, string>> = {}): EnvironmentForm {
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

/** Reads the variables, or says which line is none. The server judges their names and values. */
export function readEnvironment({ text, kept }: EnvironmentForm): Record<string, string> | string {
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
