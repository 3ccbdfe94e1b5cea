/** Returns a date of the API as seconds since 1970, exact to the microsecond; NaN if it is none. */
export function seconds(date: string): number {
  // Points of a series share their minute, so that most need no calendar.
  const minute = date.slice(0, 16);
  if (minute !== known) {
    knownSeconds = minute.length === 16 ? Date.parse(`${minute}:00Z`) / 1000 : NaN;
    known = minute;
  }
  return knownSeconds + Number(date.slice(17, date.length - 1));
}

let known = "";
let knownSeconds = NaN;

/** Returns seconds since 1970 as a date of the API. */
export function timestamp(time: number): string {
  return new Date(time * 1000).toISOString();
}
