import { count } from "../../lib/format";
import { setQuery } from "../../lib/navigation";
import { Button } from "../../parts/button";
import { STATE_WORDS } from "../../parts/state";
import type { Choices } from "./filter";
import { LabelColumns } from "./label_columns";
import type { LabelKey } from "./labels";
import { isFiltered, NO_BACKEND, NO_IMAGE, type RunsView } from "./view";

/** The states in the order of a run's life. */
const STATES = ["Queued", ...Object.values(STATE_WORDS)];

/** What the field for the search takes. */
const SEARCH =
  "Words of the id, name, image, command, parameters and tags. " +
  "tag:team=vision or param:lr=0.1 finds a value, param:lr<0.1 a bound, tag:team any value; " +
  'quote what has spaces: tag:experiment="lr sweep".';

/** What narrows the list. */
export function Toolbar({
  view,
  counts,
  values,
  labels,
}: {
  view: RunsView;
  counts: Map<string, number>;
  values: Choices;
  /** The parameters and tags that may become columns. */
  labels: readonly LabelKey[];
}) {
  const words = [...new Set([...STATES, ...counts.keys()])];
  const shown = words.filter((word) => counts.has(word) || view.states.includes(word));
  const toggle = (word: string) => {
    const chosen = view.states.includes(word)
      ? view.states.filter((state) => state !== word)
      : [...view.states, word];
    setQuery({ state: chosen.join(",") });
  };
  return (
    <search class="toolbar">
      <input
        type="search"
        id="search"
        aria-label="Search"
        placeholder="Search, or tag:team=vision, param:lr<0.1"
        title={SEARCH}
        value={view.text}
        onInput={(event) => setQuery({ q: event.currentTarget.value })}
      />
      <div class="chips" role="group" aria-label="States">
        {shown.map((word) => (
          <button
            key={word}
            type="button"
            class="chip"
            aria-pressed={view.states.includes(word)}
            onClick={() => toggle(word)}
          >
            {word} <span class="count">{count(counts.get(word) ?? 0)}</span>
          </button>
        ))}
      </div>
      <Choice
        label="Image"
        value={view.image}
        options={values.images.map((image) => [image, image === NO_IMAGE ? "Static workers" : image])}
        onValue={(image) => setQuery({ image })}
      />
      <Choice
        label="Backend"
        value={view.backend}
        options={values.backends.map((backend) => [backend, backend === NO_BACKEND ? "No backend" : backend])}
        onValue={(backend) => setQuery({ backend })}
      />
      <Choice
        label="Workers"
        value={view.workers}
        options={values.workers.map((workers) => [String(workers), String(workers)])}
        onValue={(workers) => setQuery({ workers })}
      />
      <label class="inline">
        <input
          type="checkbox"
          checked={view.grouped}
          onChange={(event) => setQuery({ group: event.currentTarget.checked ? "1" : null })}
        />
        Group repeats
      </label>
      {(labels.length > 0 || view.labels.length > 0) && <LabelColumns all={labels} shown={view.labels} />}
      {isFiltered(view) && (
        <Button kind="quiet" onClick={showAll}>
          Clear filters
        </Button>
      )}
    </search>
  );
}

/** Removes every filter, and keeps the order. */
export function showAll(): void {
  setQuery({ q: null, state: null, image: null, backend: null, workers: null });
}

interface ChoiceProps {
  label: string;
  value: string;
  options: [value: string, words: string][];
  onValue: (value: string) => void;
}

function Choice({ label, value, options, onValue }: ChoiceProps) {
  // One value to choose is no choice, unless a link has chosen one that no run has.
  if (options.length < 2 && value === "") return null;
  const known = options.some(([key]) => key === value) || value === "";
  const all: [string, string][] = [
    ["", `${label}: all`],
    ...options,
    ...(known ? [] : [[value, value] as [string, string]]),
  ];
  return (
    <select
      aria-label={label}
      class="choice"
      value={value}
      onChange={(event) => onValue(event.currentTarget.value)}
    >
      {all.map(([key, words]) => (
        <option key={key} value={key} selected={key === value}>
          {words}
        </option>
      ))}
    </select>
  );
}
