import type { XAxis } from "./series";

/** Says why curves have no place on an x axis, and which axis to choose. */
export function noAxisText(axis: XAxis): string {
  return axis === "step" || axis === "epoch"
    ? `These points have no ${axis}; choose another x axis.`
    : "No numbers.";
}
