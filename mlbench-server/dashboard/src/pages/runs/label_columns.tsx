import { useState } from "preact/hooks";

import { setQuery } from "../../lib/navigation";
import { Popover } from "../../parts/popover";
import { labelKeysText, labelName, type LabelKey } from "./labels";

/** How many names are listed at once; the search finds the others. */
const LISTED = 100;

/** From how many names on there is a search. */
const MANY = 12;

/** A button that opens the choice of parameters and tags that are columns of the list. */
export function LabelColumns({ all, shown }: { all: readonly LabelKey[]; shown: readonly LabelKey[] }) {
  return (
    <Popover button="Columns" label="Columns">
      {() => <Choices {...{ all, shown }} />}
    </Popover>
  );
}

function Choices({ all, shown }: { all: readonly LabelKey[]; shown: readonly LabelKey[] }) {
  const [search, setSearch] = useState("");
  // A link may name a column that no run has any more.
  const keys = [...new Set([...all, ...shown])];
  const found = keys.filter((key) => labelName(key).toLowerCase().includes(search.toLowerCase()));
  const listed = found.slice(0, LISTED);
  const change = (key: LabelKey, on: boolean) => {
    const others = shown.filter((other) => other !== key);
    setQuery({ columns: labelKeysText(on ? [...others, key] : others) });
  };
  return (
    <div class="label-choices">
      {keys.length > MANY && (
        <input
          type="search"
          aria-label="Search columns"
          placeholder="Search columns"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      )}
      {(["param:", "tag:"] as const).map((kind) => {
        const some = listed.filter((key) => key.startsWith(kind));
        return (
          some.length > 0 && (
            <fieldset key={kind}>
              <legend>{kind === "tag:" ? "Tags" : "Parameters"}</legend>
              {some.map((key) => (
                <label key={key} class="inline">
                  <input
                    type="checkbox"
                    checked={shown.includes(key)}
                    onChange={(event) => change(key, event.currentTarget.checked)}
                  />
                  <bdi>{labelName(key)}</bdi>
                </label>
              ))}
            </fieldset>
          )
        );
      })}
      {found.length > LISTED && (
        <p>
          The first {LISTED} of {found.length}; search for others.
        </p>
      )}
      {found.length === 0 && <p>No name contains “{search}”.</p>}
    </div>
  );
}
