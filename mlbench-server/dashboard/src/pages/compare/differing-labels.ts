import type { Run } from "../../api/wire";
import { shownTags } from "../../parts/tags";

/** A parameter or tag in which runs differ, with the value of each run. */
export interface DifferingLabel {
  kind: "param" | "tag";
  name: string;
  values: (string | undefined)[];
}

/** Returns the parameters, then the tags in which runs differ, and how many are the same in all of them. */
export function differingLabels(runs: readonly Run[]): { labels: DifferingLabel[]; equal: number } {
  const all = [
    ...labelsOf("param", runs, ({ params = {} }) => Object.entries(params)),
    ...labelsOf("tag", runs, shownTags),
  ];
  const labels = all.filter(({ values }) => new Set(values).size > 1);
  return { labels, equal: all.length - labels.length };
}

function labelsOf(
  kind: DifferingLabel["kind"],
  runs: readonly Run[],
  entriesOf: (run: Run) => [string, string | number | boolean][],
): DifferingLabel[] {
  const maps = runs.map((run) => new Map(entriesOf(run)));
  const names = [...new Set(maps.flatMap((map) => [...map.keys()]))].sort();
  return names.map((name) => {
    const values = maps.map((map) => {
      const value = map.get(name);
      return value === undefined ? undefined : String(value);
    });
    return { kind, name, values };
  });
}
