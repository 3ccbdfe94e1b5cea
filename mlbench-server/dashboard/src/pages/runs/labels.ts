import type { Run } from "../../api/wire";

/** Names a parameter or a tag: `param:lr` or `tag:team`. */
export type LabelKey = `param:${string}` | `tag:${string}`;

/** Returns whether a column is a parameter or a tag. */
export function isLabelKey(key: string): key is LabelKey {
  return /^(param|tag):./s.test(key);
}

/** Returns the name within a key. */
export function labelName(key: LabelKey): string {
  return key.slice(key.indexOf(":") + 1);
}

/** Returns the value that a run has, undefined without one. */
export function labelOf(run: Run, key: LabelKey): string | number | boolean | undefined {
  const all = (key.startsWith("param:") ? run.params : run.tags) ?? {};
  const name = labelName(key);
  return Object.hasOwn(all, name) ? all[name] : undefined;
}

/** Reads keys from the parameter of an address. */
export function readLabelKeys(text: string): LabelKey[] {
  const keys = text.split(",").map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      // A link that was cut within an escape.
      return "";
    }
  });
  return [...new Set(keys)].filter(isLabelKey);
}

/** Returns the parameter of the address for keys. */
export function labelKeysText(keys: readonly LabelKey[]): string {
  return keys.map((key) => encodeURIComponent(key).replaceAll("%3A", ":")).join(",");
}

/** Returns the keys of all parameters and tags of runs, in order. */
export function labelKeys(runs: readonly Run[]): LabelKey[] {
  const keys = new Set<LabelKey>();
  for (const { params = {}, tags = {} } of runs) {
    for (const name of Object.keys(params)) keys.add(`param:${name}`);
    for (const name of Object.keys(tags)) keys.add(`tag:${name}`);
  }
  return [...keys].sort();
}

/** Returns the values of runs without repetition, in their order. */
export function distinctValues(runs: readonly Run[], key: LabelKey): string[] {
  const values = new Set<string>();
  for (const run of runs) {
    const value = labelOf(run, key);
    if (value !== undefined) values.add(String(value));
  }
  return [...values];
}

/** Whether runs have numbers only, as the order of the list knows them. */
export function isNumeric(runs: readonly Run[], key: LabelKey): boolean {
  const values = runs.map((run) => labelOf(run, key)).filter((value) => value !== undefined);
  return values.length > 0 && values.every((value) => typeof orderOf(value) === "number");
}

/** Compares values of a label in either direction: numbers before other texts, and runs without a value last. */
export function compareLabels(
  a: string | number | boolean | undefined,
  b: string | number | boolean | undefined,
  descending: boolean,
): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const [left, right] = [orderOf(a), orderOf(b)];
  const kinds = Number(typeof left === "string") - Number(typeof right === "string");
  const order = kinds !== 0 ? kinds : left < right ? -1 : left > right ? 1 : 0;
  return descending ? -order : order;
}

function orderOf(value: string | number | boolean): string | number {
  const number = typeof value === "boolean" || value === "" ? NaN : Number(value);
  return Number.isNaN(number) ? String(value).toLowerCase() : number;
}
