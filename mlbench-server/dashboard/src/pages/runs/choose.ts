/** Names of metrics that say how good a model is, the best first. */
const ACCURACY = [/^val_global_Prec@1\b/, /^val.*(acc|prec)/i, /acc|prec@?1|BLEU/i];

/** Names of metrics that training lowers, the best first. */
const LOSS = [/^train_loss\b/, /^train.*loss/i, /loss/i];

/** The names of the metrics that stand for a run in the list. */
export interface Chosen {
  loss: string | undefined;
  accuracy: string | undefined;
}

/** Chooses the metrics that stand for a run, of rank 0 or without a rank. */
export function choose(names: readonly string[]): Chosen {
  const first = names.filter((name) => !/ @ (?!0$)[0-9]+$/.test(name));
  const best = (patterns: readonly RegExp[]) => {
    for (const pattern of patterns) {
      const found = first.find((name) => pattern.test(name));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return { loss: best(LOSS), accuracy: best(ACCURACY) };
}
