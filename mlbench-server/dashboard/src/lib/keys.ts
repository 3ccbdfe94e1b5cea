import { signal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";

import { match } from "./sequence";

/** A keyboard shortcut: one key or two in a row, such as `g r`. */
export interface Shortcut {
  keys: string;
  /** What it does, for the help: `Show runs`. */
  label: string;
  /** Where it works: `Everywhere`, `Runs`. */
  group: string;
  run: () => void;
}

/** All shortcuts that work on the page now, in the order of their registration. */
export const shortcuts = signal<readonly Shortcut[]>([]);

/** How long the second key may take, in milliseconds. */
const PAUSE = 1500;

let typed = { keys: "", at: 0 };

/** Makes shortcuts work for as long as the component is on the page. Expects the same array in every render. */
export function useShortcuts(added: readonly Shortcut[]): void {
  useLayoutEffect(() => {
    shortcuts.value = [...shortcuts.peek(), ...added];
    return () => {
      shortcuts.value = shortcuts.peek().filter((shortcut) => !added.includes(shortcut));
    };
  }, [added]);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || (event.repeat && !moves(event.key))) return;
  if (event.ctrlKey || event.metaKey || event.altKey || takesText(event.target)) return;
  if (document.querySelector("dialog[open]") !== null) return;
  const before = event.timeStamp - typed.at < PAUSE ? typed.keys : "";
  const found = match(
    shortcuts.peek().map((shortcut) => shortcut.keys),
    before,
    event.key,
  );
  typed = { keys: found.pending, at: event.timeStamp };
  // The newest registration wins: a page may give a key of the frame its own meaning.
  const shortcut = shortcuts.peek().findLast((candidate) => candidate.keys === found.complete);
  if (shortcut === undefined) return;
  event.preventDefault();
  shortcut.run();
});

/** Whether a key acts again while it is held down. */
function moves(key: string): boolean {
  return key === "j" || key === "k";
}

function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement) return true;
  if (target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !/^(checkbox|radio|button|submit|range)$/.test(target.type);
}
