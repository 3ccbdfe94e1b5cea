/** An official image of MLBench, as the server knows it. */
export interface OfficialImage {
  name: string;
  title: string;
  /** What its benchmark reaches at the full goal and at the light one. */
  goal?: { metric: string; full: string; light: string };
  /** Whether it can use GPUs. */
  gpu: boolean;
}

const precision = (full: number, light: number) => ({
  metric: "accuracy",
  full: `at least ${full} %`,
  light: `at least ${light} %`,
});
const bleu = (full: number, light: number) => ({
  metric: "BLEU score",
  full: `at least ${full}`,
  light: `at least ${light}`,
});

/** All official images. */
export const OFFICIAL_IMAGES: readonly [OfficialImage, ...OfficialImage[]] = [
  {
    name: "mlbench/pytorch-cifar10-resnet20-all-reduce",
    title: "PyTorch Cifar-10 ResNet-20",
    goal: precision(80, 70),
    gpu: true,
  },
  {
    name: "mlbench/pytorch-cifar10-resnet20-ddp",
    title: "PyTorch Cifar-10 ResNet-20 (DDP)",
    goal: precision(80, 70),
    gpu: true,
  },
  {
    name: "mlbench/pytorch-epsilon-logistic-regression-all-reduce",
    title: "PyTorch Linear Logistic Regression",
    goal: precision(89, 80),
    gpu: true,
  },
  {
    name: "mlbench/pytorch-wikitext2-lstm-all-reduce",
    title: "PyTorch Language Modeling (AWD-LSTM)",
    goal: { metric: "perplexity", full: "at most 70", light: "at most 90" },
    gpu: true,
  },
  {
    name: "mlbench/pytorch-wmt16-gnmt-all-reduce",
    title: "PyTorch Machine Translation GNMT",
    goal: bleu(24, 20),
    gpu: true,
  },
  {
    name: "mlbench/pytorch-wmt17-transformer-all-reduce",
    title: "PyTorch Machine Translation Transformer",
    goal: bleu(25, 20),
    gpu: true,
  },
  {
    name: "mlbench/tensorflow-cifar10-resnet",
    title: "Tensorflow Cifar-10 ResNet-20",
    goal: precision(80, 70),
    gpu: false,
  },
  { name: "mlbench/pytorch-backend-benchmark", title: "PyTorch Distributed Backend benchmarking", gpu: true },
];

/** Returns the official image of a name, with or without `:latest`. */
export function officialImage(name: string): OfficialImage | undefined {
  const plain = name.replace(/:latest$/, "");
  return OFFICIAL_IMAGES.find((image) => image.name === plain);
}
