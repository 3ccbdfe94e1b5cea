import { shortcuts, type Shortcut } from "../lib/keys";
import { Dialog } from "./dialog";

/** All shortcuts that work on the page, by where they work. */
export function Help({ onClose }: { onClose: () => void }) {
  const groups = new Map<string, Shortcut[]>();
  for (const shortcut of shortcuts.value) {
    groups.set(shortcut.group, [...(groups.get(shortcut.group) ?? []), shortcut]);
  }
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose} class="help">
      <div class="dialog-body">
        {[...groups].map(([group, members]) => (
          <Keys key={group} title={group} keys={members.map(({ keys, label }) => [keys.split(" "), label])} />
        ))}
        <Keys title="In tables" keys={TABLE_KEYS} />
        <Keys title="In charts" keys={CHART_KEYS} />
      </div>
    </Dialog>
  );
}

/** Keys that work in one place. */
function Keys({ title, keys: rows }: { title: string; keys: readonly [string[], string][] }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl class="keys">
        {rows.map(([keys, label]) => (
          <div key={keys.join(" ")}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

const TABLE_KEYS: [string[], string][] = [
  [["↑", "↓"], "Move by a row"],
  [["Home", "End"], "Move to the first or last row"],
  [["Enter"], "Open the row"],
  [["Space"], "Select the row"],
];

const CHART_KEYS: [string[], string][] = [
  [["←", "→"], "Move the crosshair, with Shift by ten points"],
  [["Home", "End"], "Move to the first or last point"],
  [["+", "−"], "Zoom in or out"],
  [["Esc"], "Show everything"],
];
