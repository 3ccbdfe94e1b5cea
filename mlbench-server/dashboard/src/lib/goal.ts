import type { Goal } from "../api/wire";

/** Returns a goal as the server reads it: `val_loss<=0.1`. */
export function goalText({ metric, direction, value }: Goal): string {
  return `${metric}${direction === "at_least" ? ">=" : "<="}${value}`;
}
