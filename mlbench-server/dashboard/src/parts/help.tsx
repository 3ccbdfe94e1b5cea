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
          <section key={group}>
            <h3>{group}</h3>
            <dl class="keys">
              {members.map(({ keys, label }) => (
                <div key={keys}>
                  <dt>
                    {keys.split(" ").map((key) => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </dt>
                  <dd>{label}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>In tables</h3>
          <dl class="keys">
            {TABLE_KEYS.map(([keys, label]) => (
              <div key={label}>
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
      </div>
    </Dialog>
  );
}

const TABLE_KEYS: [string[], string][] = [
  [["↑", "↓"], "Move by a row"],
  [["Home", "End"], "Move to the first or last row"],
  [["Enter"], "Open the row"],
  [["Space"], "Select the row"],
];
