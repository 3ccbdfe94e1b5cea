import type { Run } from "../api/wire";

/** The names of tags that programs set for themselves begin so; a list leaves them out. */
const INTERNAL = "mlflow.";

/** Returns the tags that people sort a run by. */
export function shownTags({ tags = {} }: Pick<Run, "tags">): [name: string, value: string][] {
  return Object.entries(tags).filter(([name]) => !name.startsWith(INTERNAL));
}

/** The text of a tag: its name, and its value where it has one. */
export function TagText({ name, value }: { name: string; value: string }) {
  return (
    <bdi>
      {name}
      {value !== "" && (
        <>
          : <b>{value}</b>
        </>
      )}
    </bdi>
  );
}
