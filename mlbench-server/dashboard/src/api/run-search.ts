import { typedNumber } from "../lib/number";
import type { Run } from "./wire";

/** A word of a search that names a parameter or tag: `tag:team=vision`, `param:lr>0.01`, or `tag:team` for any value. */
interface LabelWord {
  kind: "tag" | "param";
  /** What follows the kind. */
  text: string;
}

const LABEL = /^(tag|param):(.*)$/s;
const COMPARISON = /^(<=|>=|=|<|>)(.*)$/s;

/** Returns whether a run matches a search: all its words occur in what people know a run by. */
export function runMatcher(search: string): (run: Run) => boolean {
  const words = wordsOf(search.toLowerCase()).map((word) => readLabel(word) ?? word);
  return (run) =>
    words.every((word) => (typeof word === "string" ? textOf(run).includes(word) : hasLabel(run, word)));
}

/** Returns the word that finds the runs with a tag. */
export function tagWord(name: string, value: string): string {
  const word = `tag:${name}=${value}`;
  return /[\s"]/.test(word) ? `"${word.replace(/["\\]/g, "\\$&")}"` : word;
}

/** Returns a search with one more word, unless it has it. */
export function withWord(search: string, word: string): string {
  const [wanted] = wordsOf(word);
  if (wanted === undefined || wordsOf(search).includes(wanted)) return search;
  const longer = `${search} ${word}`.trim();
  // A quote without its end would reach over the word.
  return wordsOf(longer).at(-1) === wanted ? longer : `${search}" ${word}`;
}

const QUOTED = /"((?:\\["\\]|[^"])*)(?:"|$)/g;

/**
 * Divides at spaces, except within double quotes, where `\"` is a quote and `\\` a backslash.
 *
 * A quote without its end reaches to the end.
 */
function wordsOf(search: string): string[] {
  const words = search.match(/(?:[^\s"]|"(?:\\["\\]|[^"])*(?:"|$))+/g) ?? [];
  return words
    .map((word) => word.replace(QUOTED, (_, inner: string) => inner.replace(/\\(["\\])/g, "$1")))
    .filter(Boolean);
}

function readLabel(word: string): LabelWord | undefined {
  const [, kind, text] = LABEL.exec(word) ?? [];
  return text === undefined ? undefined : { kind: kind === "tag" ? "tag" : "param", text };
}

function hasLabel(run: Run, { kind, text }: LabelWord): boolean {
  // A name may contain what compares, so the run's own names divide the word.
  const isWhole = kind === "tag" ? text.includes("=") : /[<=>]/.test(text);
  return Object.entries((kind === "tag" ? run.tags : run.params) ?? {}).some(([key, found]) => {
    const name = key.toLowerCase();
    if (!isWhole) return name.startsWith(text);
    return text.startsWith(name) && compares(found, text.slice(name.length), kind);
  });
}

/** Returns whether a value is as a comparison says, such as `=vision` or `<0.1`; only parameters have bounds. */
function compares(found: string | number | boolean, comparison: string, kind: LabelWord["kind"]): boolean {
  const [, operator, value = ""] = COMPARISON.exec(comparison) ?? [];
  const wanted = typedNumber(value);
  if (operator === "=") {
    return String(found).toLowerCase() === value || (typeof found === "number" && found === wanted);
  }
  const number = kind === "tag" || typeof found === "boolean" || found === "" ? NaN : Number(found);
  switch (operator) {
    case "<":
      return number < wanted;
    case ">":
      return number > wanted;
    case "<=":
      return number <= wanted;
    case ">=":
      return number >= wanted;
    default:
      return false;
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
