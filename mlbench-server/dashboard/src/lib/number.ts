const NAMES: Partial<Record<string, number>> = {
  inf: Infinity,
  "+inf": Infinity,
  "-inf": -Infinity,
  infinity: Infinity,
  "+infinity": Infinity,
  "-infinity": -Infinity,
};

/** Returns the value of a point as a number; NaN for text, so that a chart leaves a gap. */
export function numberOf(value: string): number {
  const number = value === "" ? NaN : Number(value);
  return Number.isNaN(number) ? (NAMES[value.toLowerCase()] ?? NaN) : number;
}

/**
 * Returns a number as people type it: with commas between thousands as the page writes them, or with a comma for the
 * point; NaN for other text, and for none.
 */
export function typedNumber(text: string): number {
  const typed = text.trim();
  if (typed === "") return NaN;
  const isGrouped = /^[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?$/.test(typed);
  return Number(isGrouped ? typed.replaceAll(",", "") : typed.replace(",", "."));
}
