/** From how many letters on a title has lines of its own. */
const LONG = 30;

/** Returns the class of the head of a chart with a title. */
export function headClass(title: string): string {
  return title.length > LONG ? "chart-head long" : "chart-head";
}
