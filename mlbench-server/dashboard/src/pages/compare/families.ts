import type { Comparison, Group } from "../../api/wire";

/** Groups that differ in nothing but their number of workers: one line of a chart. */
export interface Family {
  label: string;
  color: number;
  /** By their number of workers. */
  groups: Group[];
}

/** Sorts the groups of a comparison into families. */
export function familiesOf({ groups }: Comparison): Family[] {
  const families = new Map<string, Group[]>();
  for (const group of groups) {
    const key = JSON.stringify({ ...group.parameters, num_workers: 0 });
    families.set(key, [...(families.get(key) ?? []), group]);
  }
  return [...families.values()].map((list, color) => ({
    label: familyLabel(list[0]),
    color,
    groups: list.sort((a, b) => a.parameters.num_workers - b.parameters.num_workers),
  }));
}

/** The label of a group without its number of workers. */
function familyLabel(group: Group | undefined): string {
  const rest = (group?.label ?? "").replace(/^[0-9]+ workers?(, )?/, "");
  return rest === "" ? "Median" : rest;
}
