import { signal } from "@preact/signals";

import { theme } from "../lib/settings";

/** The colours of charts as a canvas understands them. */
export interface Palette {
  curves: readonly string[];
  text: string;
  muted: string;
  line: string;
  surface: string;
}

/** Resolves the tokens of the style sheet: a canvas does not know them. */
function resolve(): Palette {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const color = (token: string) => {
    probe.style.color = `var(--${token})`;
    return getComputedStyle(probe).color;
  };
  const found: Palette = {
    curves: Array.from({ length: 8 }, (_, index) => color(`curve-${index}`)),
    text: color("text"),
    muted: color("text-2"),
    line: color("line"),
    surface: color("surface"),
  };
  probe.remove();
  return found;
}

const dark = matchMedia("(prefers-color-scheme: dark)");

/** The colours of the theme in use. */
export const palette = signal(resolve());

const refresh = () => (palette.value = resolve());

dark.addEventListener("change", refresh);
// The attribute of the theme may be set after this.
theme.subscribe(() => queueMicrotask(refresh));
