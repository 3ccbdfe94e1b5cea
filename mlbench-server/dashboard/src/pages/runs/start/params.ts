import { readNameValues } from "../../../lib/name-values";

type Param = string | number | boolean;

/** Returns parameters as lines of `NAME=VALUE` that `readParams` reads again. */
export function paramsText(params: Readonly<Record<string, Param>> = {}): string {
  return Object.entries(params)
    .map(([name, value]) => `${name}=${valueText(value)}`)
    .join("\n");
}

function valueText(value: Param): string {
  if (typeof value !== "string") return String(value);
  // A text that reads as something else, or that no line holds, is quoted.
  const reads = !/[\r\n]/.test(value) && valueOf(value.trim()) === value;
  return reads ? value : JSON.stringify(value);
}

/** Reads parameters with their types, or says which line is none. */
export function readParams(text: string): Record<string, Param> | string {
  const read = readNameValues({ text, kept: {} });
  if (typeof read === "string") return read;
  return Object.fromEntries(Object.entries(read).map(([name, value]) => [name, valueOf(value.trim())]));
}

/** Returns what people mean by a text, as the command line has it: a number, a boolean, a JSON string, else the text. */
function valueOf(text: string): Param {
  if (!/^(-?[0-9]|"|true$|false$)/.test(text)) return text;
  try {
    const value: unknown = JSON.parse(text);
    const isParam = typeof value === "boolean" || typeof value === "string" || Number.isFinite(value);
    return isParam ? (value as Param) : text;
  } catch {
    return text;
  }
}
