// The same as in mlbench-core/src/comparison/phases.rs, where a test compares the two.

/** The steps of a training whose seconds the programs report. Together they are the training time. */
export const STEPS: readonly string[] = [
  "batch_load",
  "init",
  "fwd_pass",
  "comp_loss",
  "backprop",
  "agg",
  "opt_step",
  "comp_metrics",
  "end",
];
/** The parts of the step `agg`. */
export const PARTS_OF_AGG: readonly string[] = ["agg_transfer", "agg_wait"];

/** Returns whether a metric, named without its rank, has the seconds of a step or of a part of one. */
export function isStep(metric: string): boolean {
  return STEPS.includes(metric) || PARTS_OF_AGG.includes(metric);
}
