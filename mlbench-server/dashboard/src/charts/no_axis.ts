import type { XAxis } from "./series";

/** Says why curves have no place on an x axis, and which axis to choose. `long` are more points than can be read. */
export function noAxisText(axis: XAxis, long: boolean): string {
  switch (axis) {
    case "step":
    case "epoch":
      return long
        ? `More than 5,000 points are read as buckets, which have no ${axis}; choose relative or wall time as the x axis.`
        : `These points have no ${axis}; choose another x axis.`;
    case "training":
      return "The training time of these points is not known; choose another x axis.";
    case "relative":
    case "wall":
      return "No numbers.";
  }
}
