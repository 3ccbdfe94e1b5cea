/** A colour of a terminal: an index into its 256 colours, or red, green and blue. */
export type TerminalColor = number | readonly [red: number, green: number, blue: number];

/** How a terminal would show a piece of text. */
export interface TextStyle {
  color?: TerminalColor;
  background?: TerminalColor;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
  strike?: boolean;
  inverse?: boolean;
}

/** A piece of a line in one style. */
export interface Span {
  text: string;
  style: TextStyle | undefined;
}

/** The escape sequences for colours, and the characters that make a line more than text. */
const COLORS = /\u001b\[[0-9;:]*m/g;
const SPECIAL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/;

/**
 * Returns a line as a terminal shows it at its end: what a carriage return or a backspace overwrote is gone.
 *
 * Colours and weights are kept; everything else that an escape sequence could do is left out.
 */
export function terminalLine(text: string): Span[] {
  if (!SPECIAL.test(text)) return text === "" ? [] : [{ text, style: undefined }];
  if (!SPECIAL.test(text.replace(COLORS, ""))) return colored(text);
  const screen = new Screen();
  for (let index = 0; index < text.length;) {
    const code = text.charCodeAt(index);
    if (code === 0x1b || code === 0x9b || OPENS_STRING.has(code)) {
      index = escape(text, index, screen);
    } else {
      const character = String.fromCodePoint(text.codePointAt(index) ?? 0);
      screen.put(character);
      index += character.length;
    }
  }
  return screen.spans();
}

/** Returns the text of a line without its style. */
export function plainLine(text: string): string {
  // Colours are what most lines have, and a search reads all lines.
  const colorless = text.includes("\u001b") ? text.replace(COLORS, "") : text;
  if (!SPECIAL.test(colorless)) return colorless;
  return terminalLine(colorless)
    .map((span) => span.text)
    .join("");
}

/** Splits a line that has no other escape sequences than colours. */
function colored(text: string): Span[] {
  const spans: Span[] = [];
  let [style, start]: [TextStyle | undefined, number] = [undefined, 0];
  const add = (end: number) => {
    if (end > start) spans.push({ text: text.slice(start, end), style });
  };
  for (const { 0: sequence, index } of text.matchAll(COLORS)) {
    add(index);
    style = restyle(style, sequence.slice(2, -1));
    start = index + sequence.length;
  }
  add(text.length);
  return spans;
}

/** The line of a terminal while it is written. */
class Screen {
  style: TextStyle | undefined;
  private column = 0;
  private characters: string[] = [];
  private styles: (TextStyle | undefined)[] = [];

  put(character: string): void {
    if (character === "\r") this.column = 0;
    else if (character === "\b") this.move(-1);
    else if (character === "\t" || !SPECIAL.test(character)) {
      this.characters[this.column] = character;
      this.styles[this.column] = this.style;
      this.column += 1;
    }
  }

  /** Moves the cursor, at most to the end of the line: a program cannot make a line of a million spaces. */
  move(columns: number): void {
    this.moveTo(this.column + columns);
  }

  moveTo(column: number): void {
    this.column = Math.min(Math.max(0, column), this.characters.length);
  }

  /** Erases as `CSI K` does: 0 to the end, 1 from the start, 2 all. */
  erase(part: number): void {
    if (part === 0) {
      this.characters.length = Math.min(this.characters.length, this.column);
    } else if (part === 2) {
      this.characters = [];
      this.column = 0;
    } else {
      this.characters.fill(" ", 0, this.column);
      this.styles.fill(undefined, 0, this.column);
    }
  }

  spans(): Span[] {
    const spans: Span[] = [];
    this.characters.forEach((character, index) => {
      const style = this.styles[index];
      const last = spans.at(-1);
      if (last !== undefined && last.style === style) last.text += character;
      else spans.push({ text: character, style });
    });
    return spans;
  }
}

/** Control characters that begin a string for the terminal, which ends with `ST` or a bell. */
const OPENS_STRING = new Set([0x90, 0x98, 0x9d, 0x9e, 0x9f]);
const STRING_ENDS = /\u0007|\u001b\\|\u009c/g;

/** Carries out an escape sequence and returns where it ends. */
function escape(text: string, start: number, screen: Screen): number {
  const code = text.charCodeAt(start);
  const next = text[start + 1] ?? "";
  if (code === 0x9b) return control(text, start + 1, screen);
  if (code !== 0x1b) return skipString(text, start + 1);
  if (next === "[") return control(text, start + 2, screen);
  if (/[PX\]^_]/.test(next)) return skipString(text, start + 2);
  let end = start + 1;
  while (/[ -/]/.test(text[end] ?? "")) end += 1;
  return Math.min(end + 1, text.length);
}

function skipString(text: string, start: number): number {
  STRING_ENDS.lastIndex = start;
  return STRING_ENDS.test(text) ? STRING_ENDS.lastIndex : text.length;
}

function control(text: string, start: number, screen: Screen): number {
  let end = start;
  while (/[ -?]/.test(text[end] ?? "")) end += 1;
  const parameters = text.slice(start, end);
  const first = Number(/^[0-9]{1,5}/.exec(parameters)?.[0] ?? NaN);
  const count = Number.isNaN(first) ? 1 : Math.max(1, first);
  switch (text[end]) {
    case "m":
      if (/^[0-9;:]*$/.test(parameters)) screen.style = restyle(screen.style, parameters);
      break;
    case "K":
      screen.erase(Number.isNaN(first) ? 0 : first);
      break;
    case "C":
      screen.move(count);
      break;
    case "D":
      screen.move(-count);
      break;
    case "G":
      screen.moveTo(count - 1);
      break;
    default:
  }
  return Math.min(end + 1, text.length);
}

/** Applies the parameters of `CSI m`; returns undefined for the normal style. */
function restyle(before: TextStyle | undefined, parameters: string): TextStyle | undefined {
  let style: TextStyle = { ...before };
  // `38:2::1:2:3` has an empty part where a terminal could name a colour space.
  const numbers = parameters
    .replace(/([34]8:2:)[0-9]*:([0-9]+:[0-9]+:[0-9]+)/g, "$1$2")
    .split(/[;:]/)
    .map(Number);
  for (let index = 0; index < numbers.length; index += 1) {
    const number = numbers[index] ?? 0;
    const base = number % 10;
    if (number === 38 || number === 48) {
      const [color, used] = extended(numbers.slice(index + 1));
      if (color !== undefined) style[number === 38 ? "color" : "background"] = color;
      index += used;
    } else if (number >= 30 && number <= 37) style.color = base;
    else if (number >= 40 && number <= 47) style.background = base;
    else if (number >= 90 && number <= 97) style.color = base + 8;
    else if (number >= 100 && number <= 107) style.background = base + 8;
    else style = simple(style, number);
  }
  return Object.keys(style).length === 0 ? undefined : style;
}

function extended([kind, ...rest]: readonly number[]): [TerminalColor | undefined, number] {
  const [a = 0, b = 0, c = 0] = rest;
  if (kind === 5) return [a <= 255 ? a : undefined, 2];
  if (kind !== 2) return [undefined, 1];
  return [Math.max(a, b, c) <= 255 ? [a, b, c] : undefined, 4];
}

const SET: Partial<Record<number, keyof TextStyle>> = {
  1: "bold",
  2: "dim",
  3: "italic",
  4: "underline",
  7: "inverse",
  9: "strike",
};
const UNSET: Partial<Record<number, readonly (keyof TextStyle)[]>> = {
  22: ["bold", "dim"],
  23: ["italic"],
  24: ["underline"],
  27: ["inverse"],
  29: ["strike"],
  39: ["color"],
  49: ["background"],
};

function simple(style: TextStyle, number: number): TextStyle {
  if (number === 0) return {};
  const set = SET[number];
  if (set !== undefined) return { ...style, [set]: true };
  const next = { ...style };
  for (const key of UNSET[number] ?? []) Reflect.deleteProperty(next, key);
  return next;
}
