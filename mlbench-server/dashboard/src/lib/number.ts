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
