import { computed, signal } from "@preact/signals";

import { address, pathOf } from "./base";
import { ofMlflow, parseRoute } from "./route";

const current = signal(here());

// A link in the bar of an open page changes nothing but the part after the `#`.
for (const event of ["popstate", "hashchange"]) addEventListener(event, () => (current.value = here()));

/** Returns the path of the address, after a link that MLflow's client prints has become that of its page. */
function here(): string {
  const linked = ofMlflow(location.hash);
  if (linked !== undefined) history.replaceState(null, "", address(linked));
  return pathOf(location.href) ?? "";
}

/** The page that the address names. */
export const route = computed(() => parseRoute(current.value.split("?")[0] ?? ""));

/** The query of the address: the state of a view that a link keeps. */
export const query = computed(() => new URLSearchParams(current.value.split("?")[1] ?? ""));

/** Goes to a page, for instance `runs/3`, and keeps the way back. */
export function navigate(path: string): void {
  history.pushState(null, "", address(path));
  current.value = path;
  scrollTo(0, 0);
}

/** Changes parameters of the query in place; null removes one. */
export function setQuery(changes: Record<string, string | null>): void {
  const next = new URLSearchParams(query.value);
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === "") next.delete(key);
    else next.set(key, value);
  }
  const path = current.value.split("?")[0] ?? "";
  const text = next.toString();
  const changed = text === "" ? path : `${path}?${text}`;
  history.replaceState(null, "", address(changed));
  current.value = changed;
}
