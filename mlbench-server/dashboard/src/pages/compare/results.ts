import type { Comparison, Estimate, Group } from "../../api/wire";
import type { Bar } from "../../charts/bars";
import type { Dot, Middle, Scatter } from "../../charts/scatter";
import { valueText } from "../../charts/texts";
import { number } from "../../lib/format";
import { familiesOf } from "./families";
import { secondsText } from "./summary";

/** Bytes per second in a GB/s, the unit of bandwidths in the field. */
const GIGA = 1e9;

/** The table behind a chart. */
interface Numbers {
  columns: string[];
  rows: string[][];
}

/** Time to accuracy: a dot for each training, the median and its interval for each group. */
export function timesOf(comparison: Comparison): { scatter: Scatter; numbers: Numbers } {
  const groups = familiesOf(comparison)
    .map(({ label, color, groups: list }) => ({
      label,
      color,
      dots: list.flatMap(dotsOf),
      middles: list.flatMap((group) => middleOf(group, group.time_to_accuracy)),
    }))
    .filter(({ dots, middles }) => dots.length + middles.length > 0);
  const rows = comparison.groups.flatMap((group) =>
    group.trainings.map(({ run, number: training, seconds, reason, pending }) => [
      group.label,
      String(group.parameters.num_workers),
      String(run),
      String(training),
      seconds === null ? "" : String(seconds),
      seconds === null ? (pending ? "active" : (reason ?? "not reached")) : "reached",
    ]),
  );
  const columns = ["Group", "Workers", "Run", "Training", "Seconds", "Result"];
  const x = { name: "Workers", scale: "log2" } as const;
  const y = { name: "Time to accuracy", scale: "linear", unit: "seconds" } as const;
  return { scatter: { groups, x, y }, numbers: { columns, rows } };
}

function dotsOf(group: Group): Dot[] {
  return (
    group.trainings
      // A program that never reports the metric does not train to the goal.
      .filter(({ pending, reached, reason }) => reached || !(pending || /^no points/i.test(reason ?? "")))
      .map(({ run, number: training, seconds }) => ({
        x: group.parameters.num_workers,
        y: seconds ?? undefined,
        hollow: group.oversubscribed === true,
        title: `Run ${run}, training ${training}: ${seconds === null ? "not reached" : secondsText(seconds)}`,
      }))
  );
}

function middleOf(group: Group, estimate: Estimate | null, text = ""): Middle[] {
  if (estimate === null) return [];
  const { median: y, low, high } = estimate;
  const hollow = group.oversubscribed === true;
  return [{ x: group.parameters.num_workers, y, low, high: high ?? NaN, hollow, text }];
}

/** Speed-up against workers with the efficiency beside each point; undefined where nothing is compared. */
export function speedUpsOf(comparison: Comparison): { scatter: Scatter; numbers: Numbers } | undefined {
  const { groups } = comparison;
  const compared = groups.some((group, index) => group.baseline !== index && group.speed_up !== null);
  if (!compared) return undefined;
  const lines = familiesOf(comparison)
    .map(({ label, color, groups: list }) => ({
      label,
      color,
      dots: [],
      middles: list.flatMap((group) => {
        const isBaseline = groups[group.baseline] === group;
        const { efficiency } = group;
        const share = efficiency === null || isBaseline ? "" : `${Math.round(efficiency.median * 100)} %`;
        return middleOf(group, group.speed_up, share);
      }),
    }))
    .filter(({ middles }) => middles.length > 0);
  const rows = groups.map(({ label, parameters, speed_up: speedUp, efficiency, oversubscribed }) => [
    label,
    String(parameters.num_workers),
    ...[speedUp?.median, speedUp?.low, speedUp?.high, efficiency?.median].map((value) => String(value ?? "")),
    oversubscribed === null ? "unknown" : oversubscribed ? "yes" : "no",
  ]);
  const columns = ["Group", "Workers", "Speed-up", "Low", "High", "Efficiency", "Oversubscribed"];
  const ideal = idealOf(groups);
  const x = { name: "Workers", scale: "log2" } as const;
  const y = { name: "Speed-up", scale: "log2", unit: "number" } as const;
  return {
    scatter: { groups: lines, x, y, ...(ideal !== undefined && { ideal }) },
    numbers: { columns, rows },
  };
}

/** The ideal line, where all groups are compared with the same number of workers. */
function idealOf(groups: readonly Group[]): Scatter["ideal"] {
  const compared = groups.filter((group) => group.speed_up !== null);
  const bases = new Set(compared.map(({ baseline }) => groups[baseline]?.parameters.num_workers ?? NaN));
  const [base = NaN] = bases;
  if (bases.size !== 1 || !(base > 0)) return undefined;
  const workers = [...new Set(compared.map(({ parameters }) => parameters.num_workers))].sort(
    (a, b) => a - b,
  );
  return { name: "ideal", points: workers.map((count) => [count, count / base] as const) };
}

/** The phases that a bar has, with their colours: the same as on the page of a run. */
export const PHASES = [
  { key: "compute", name: "Compute", color: 0 },
  { key: "communication", name: "Communication", color: 1 },
  { key: "transfer", name: "Transfer", color: 1 },
  { key: "waiting", name: "Waiting", color: 4 },
  { key: "other", name: "Other", color: 7 },
] as const;

/** What the training time of each group went into; the legend names the phases that occur. */
export function phasesOf({ groups }: Comparison): {
  bars: Bar[];
  legend: { label: string; color: number }[];
  numbers: Numbers;
} {
  const used = new Set<string>();
  const rows: string[][] = [];
  const bars = groups.flatMap(({ label, phases }): Bar[] => {
    if (phases === null) return [];
    const { seconds, total } = phases;
    // Transfer and waiting are the parts of communication, where a program distinguishes them.
    const split = seconds.transfer !== null && seconds.waiting !== null;
    const parts = PHASES.flatMap(({ key, name, color }) => {
      const value = seconds[key];
      const left = split ? key === "communication" : key === "transfer" || key === "waiting";
      if (left || value === null || value <= 0) return [];
      used.add(key);
      return [{ name: `${name} (${secondsText(value)})`, color, value }];
    });
    rows.push([label, ...PHASES.map(({ key }) => String(seconds[key] ?? "")), String(total)]);
    return [{ label, parts, text: secondsText(total) }];
  });
  const legend = PHASES.filter(({ key }) => used.has(key)).map(({ name, color }) => ({ label: name, color }));
  return {
    bars,
    legend,
    numbers: { columns: ["Group", ...PHASES.map(({ name }) => `${name} (s)`), "Total (s)"], rows },
  };
}

/** Bus bandwidth of an all-reduce by the length of the vector; undefined where no run measured any. */
export function bandwidthsOf({ groups }: Comparison): { scatter: Scatter; numbers: Numbers } | undefined {
  const measured = groups.filter(({ all_reduce: list }) => list.length > 0);
  if (measured.length === 0) return undefined;
  const lines = measured.flatMap((group) => {
    const widths = [...new Set(group.all_reduce.map(({ element_bits: bits }) => bits))];
    return widths.map((bits) => ({
      label: widths.length === 1 ? group.label : `${group.label}, ${bits} bits`,
      dots: [],
      middles: group.all_reduce
        .filter((entry) => entry.element_bits === bits)
        .sort((a, b) => a.bytes - b.bytes)
        .map(({ bytes: x, bus_bandwidth: bandwidth }) => {
          const y = bandwidth / GIGA;
          return { x, y, low: y, high: y, hollow: group.oversubscribed === true };
        }),
    }));
  });
  const rows = measured.flatMap(({ label, all_reduce: list }) =>
    list.map(
      ({ bytes: size, element_bits: bits, seconds, algorithm_bandwidth: algorithm, bus_bandwidth: bus }) => [
        label,
        valueText(size, "bytes"),
        ...[bits, seconds.median, algorithm / GIGA, bus / GIGA].map(number),
      ],
    ),
  );
  const columns = [
    "Group",
    "Vector",
    "Bits",
    "Seconds",
    "Algorithm bandwidth (GB/s)",
    "Bus bandwidth (GB/s)",
  ];
  const x = { name: "Size of the vector", scale: "log2", unit: "bytes" } as const;
  const y = { name: "Bus bandwidth", scale: "log10", unit: "number" } as const;
  const scatter = { groups: lines.map((line, color) => ({ ...line, color })), x, y };
  return { scatter, numbers: { columns, rows } };
}
