import { bandKind, medianOf } from "../../charts/band";
import type { ChartSeries } from "../../charts/series";
import type { Group } from "../../api/wire";

/** How runs with equal parameters are drawn. */
export type Repeats = "median" | "single";

/** Reads how repeats are drawn from the query of an address. */
export function readRepeats(query: URLSearchParams): Repeats {
  return query.get("repeats") === "single" ? "single" : "median";
}

/** Whether several of these runs have equal parameters. */
export function areRepeated(groups: readonly Pick<Group, "runs">[], ids: readonly number[]): boolean {
  const drawn = new Set(ids);
  return groups.some(({ runs }) => runs.filter((run) => drawn.has(run)).length > 1);
}

/** Returns the groups of which a chart shows a run: others need not be distinguished in it. */
export function groupsWith<G extends Pick<Group, "runs">>(
  shown: { has: (run: number) => boolean },
  groups: readonly G[],
): G[] {
  return groups.filter(({ runs }) => runs.some((run) => shown.has(run)));
}

/** Says beside the name of a run what distinguishes its group from the others. */
export function noteOf(run: number, groups: readonly Pick<Group, "runs" | "label">[]): { note?: string } {
  const group = groups.length > 1 ? groups.find(({ runs }) => runs.includes(run)) : undefined;
  return group === undefined ? {} : { note: group.label };
}

/** Puts the median with its band in the place of the curves of each group that has several. */
export function withMedians(
  curves: readonly { run: number; curve: ChartSeries }[],
  groups: readonly Pick<Group, "runs" | "label">[],
): ChartSeries[] {
  const groupOf = new Map(groups.flatMap((group) => group.runs.map((run) => [run, group] as const)));
  const done = new Set<unknown>();
  return curves.flatMap(({ run, curve }) => {
    const group = groupOf.get(run);
    const members = group === undefined ? [] : curves.filter((other) => groupOf.get(other.run) === group);
    if (group === undefined || members.length < 2) return [curve];
    if (done.has(group)) return [];
    done.add(group);
    const { key, color } = curve;
    const note = `median of ${members.length}, band ${bandKind(members.length)}`;
    return [
      {
        key: `group ${key}`,
        label: group.label,
        note,
        derived: true,
        color,
        ...medianOf(members.map((member) => member.curve)),
      },
    ];
  });
}
