/** Splits a name such as `train_loss @ 3` into the metric and its rank. */
export function splitName(name: string): { metric: string; rank: number | undefined } {
  const match = /^(.*\S) @ ([0-9]{1,9})$/s.exec(name);
  return match === null
    ? { metric: name, rank: undefined }
    : { metric: match[1] ?? name, rank: Number(match[2]) };
}
