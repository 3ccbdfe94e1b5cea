import { useState } from "preact/hooks";

import type { Run } from "../../api/wire";
import { dashOf } from "../../charts/model";
import { plural } from "../../lib/format";
import { routePath } from "../../lib/route";
import { Button } from "../../parts/button";
import { Link } from "../../parts/link";

/** How many chosen runs are shown one by one at first. */
const SHOWN = 20;

/** The chosen runs with their colours, and a way to choose others. */
export function Chosen(props: {
  ids: readonly number[];
  runs: readonly Run[];
  ready: boolean;
  colors: ReadonlyMap<number, number>;
  onChange: (ids: number[]) => void;
  /** Whether the list to choose from is open. */
  open: boolean;
  onOpen: (open: boolean) => void;
}) {
  const { ids, runs, ready, colors, onChange, open, onOpen } = props;
  const [all, setAll] = useState(false);
  const byId = new Map(runs.map((run) => [run.id, run]));
  const shown = all ? ids : ids.slice(0, SHOWN);
  return (
    <div class="compare-chosen">
      <ul class="compare-chips" aria-label="Compared runs">
        {shown.map((id) => {
          const name = byId.get(id)?.name ?? (ready ? "does not exist" : "…");
          const color = colors.get(id) ?? 0;
          return (
            <li key={id}>
              <svg class={`curve curve-${color % 8}`} width="18" height="10" aria-hidden="true">
                <line x1="1" y1="5" x2="17" y2="5" stroke-dasharray={dashOf(color).join(" ")} />
              </svg>
              <Link to={routePath({ page: "run", id })} label={`Run ${id}: ${name}`}>
                #{id} <bdi>{name}</bdi>
              </Link>
              <button
                type="button"
                aria-label={`Remove run ${id}`}
                onClick={() => onChange(ids.filter((other) => other !== id))}
              >
                ×
              </button>
            </li>
          );
        })}
      </ul>
      <div class="compare-actions">
        {shown.length < ids.length && (
          <Button kind="quiet" onClick={() => setAll(true)}>
            Show all {plural(ids.length, "run")}
          </Button>
        )}
        <Button aria-expanded={open} onClick={() => onOpen(!open)}>
          {open ? "Close the list" : "Add runs"}
        </Button>
        <Button kind="quiet" onClick={() => onChange([])}>
          Remove all
        </Button>
      </div>
    </div>
  );
}
