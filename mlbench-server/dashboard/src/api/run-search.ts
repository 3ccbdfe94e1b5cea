import type { Run } from "./wire";

/** A comparison with the value of a parameter or tag. */
type Operator = "=" | "<" | ">" | "<=" | ">=";

/** A word of a search that names a parameter or tag: `tag:team=vision`, `param:lr>0.01`, or `tag:team` for any value. */
interface LabelWord {
  kind: "tag" | "param";
  name: string;
  operator: Operator | undefined;
  value: string;
}

const LABEL = /^(tag|param):([^=<>]*)(?:(<=|>=|=|<|>)(.*))?$/s;

/** Returns whether a run matches a search: all its words occur in what people know a run by. */
export function runMatcher(search: string): (run: Run) => boolean {
  const words = wordsOf(search.toLowerCase()).map((word) => readLabel(word) ?? word);
  return (run) =>
    words.every((word) => (typeof word === "string" ? textOf(run).includes(word) : hasLabel(run, word)));
}

/** Returns the word that finds the runs with a tag. */
export function tagWord(name: string, value: string): string {
  const word = `tag:${name}=${value}`;
  return /\s/.test(word) ? `"${word}"` : word;
}

/** Divides at spaces, except within double quotes. A quote without its end reaches to the end. */
function wordsOf(search: string): string[] {
  const words = search.match(/(?:[^\s"]|"[^"]*(?:"|$))+/g) ?? [];
  return words.map((word) => word.replaceAll('"', "")).filter(Boolean);
}

function readLabel(word: string): LabelWord | undefined {
  const parts = LABEL.exec(word);
  if (parts === null) return undefined;
  const [, kind, name = "", operator, value = ""] = parts;
  return { kind: kind === "tag" ? "tag" : "param", name, operator: operator as Operator | undefined, value };
}

function hasLabel(run: Run, { kind, name, operator, value }: LabelWord): boolean {
  return Object.entries((kind === "tag" ? run.tags : run.params) ?? {}).some(([key, found]) => {
    const known = key.toLowerCase();
    // Without a value the name may still be typed.
    if (operator === undefined || value === "") return known.startsWith(name);
    return known === name && compares(found, operator, value);
  });
}

function compares(found: string | number | boolean, operator: Operator, value: string): boolean {
  const wanted = Number(value);
  if (operator === "=") {
    return String(found).toLowerCase() === value || (typeof found === "number" && found === wanted);
  }
  const number = typeof found === "boolean" || found === "" ? NaN : Number(found);
  switch (operator) {
    case "<":
      return number < wanted;
    case ">":
      return number > wanted;
    case "<=":
      return number <= wanted;
    case ">=":
      return number >= wanted;
  }
}

const texts = new WeakMap<Run, string>();

/** Returns the text that plain words are searched in. */
function textOf(run: Run): string {
  let text = texts.get(run);
  if (text === undefined) {
    const labels = [run.params, run.tags].flatMap((all) => Object.entries(all ?? {}));
    text = [
      `#${run.id}`,
      run.name,
      run.image ?? "",
      run.job_metadata.command,
      ...labels.map(([name, value]) => `${name}=${value}`),
    ]
      .join("\n")
      .toLowerCase();
    texts.set(run, text);
  }
  return text;
}
