import type { Measure } from "./measure";

/**
 * What the names of metrics look like that represent a measure, the best first.
 *
 * `Measure` of mlbench-core has the same rule; both are tested with its `measures.json`.
 */
const LOOKS: Record<Measure, readonly RegExp[]> = {
  accuracy: [/^val_global_Prec@1\b/, /^val.*(acc|prec)/is, /acc|prec@?1|bleu/i],
  loss: [/^train_loss\b/, /^train.*loss/is, /loss/i],
};

/** The names of the metrics that stand for a run in the list. */
export type Chosen = Record<Measure, string | undefined>;

/** Chooses the metrics that stand for a run, of rank 0 or without a rank; of equally good ones the first by name. */
export function choose(names: readonly string[]): Chosen {
  const sorted = names.filter((name) => !/ @ (?!0$)[0-9]+$/.test(name)).sort((a, b) => (a < b ? -1 : 1));
  const best = (measure: Measure) => {
    for (const look of LOOKS[measure]) {
      const found = sorted.find((name) => look.test(name));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return { accuracy: best("accuracy"), loss: best("loss") };
}
