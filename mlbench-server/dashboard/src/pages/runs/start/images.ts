import images from "../../../api/images.json";

/** An official image of MLBench, as the server knows it. */
export interface OfficialImage {
  name: string;
  title: string;
  /** What its benchmark reaches at the full goal and at the light one. */
  goal?: { metric: string; full: string; light: string };
  /** Whether it can use GPUs. */
  gpu: boolean;
}

/** The metrics of goals in words, and the unit of each. */
const METRICS: Record<string, { name: string; unit: string }> = {
  "val_global_Prec@1": { name: "accuracy", unit: " %" },
  "val_global_BLEU-Score": { name: "BLEU score", unit: "" },
  val_global_Perplexity: { name: "perplexity", unit: "" },
};

function described({ goal, ...image }: (typeof images)[number]): OfficialImage {
  if (goal === null) return image;
  const { name, unit } = METRICS[goal.metric] ?? { name: goal.metric, unit: "" };
  const bound = goal.direction === "at_least" ? "at least" : "at most";
  const reached = (value: number) => `${bound} ${value}${unit}`;
  return { ...image, goal: { metric: name, full: reached(goal.full), light: reached(goal.light) } };
}

/** All official images. */
export const OFFICIAL_IMAGES: readonly OfficialImage[] = images.map(described);

/** Returns the official image of a name, with or without `:latest`. */
export function officialImage(name: string): OfficialImage | undefined {
  const plain = name.replace(/:latest$/, "");
  return OFFICIAL_IMAGES.find((image) => image.name === plain);
}
