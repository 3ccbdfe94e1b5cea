import { effect, signal, type Signal } from "@preact/signals";

/** Returns a signal that outlives the visit; `allowed` are its values, the first is the default. */
function stored<T extends string>(key: string, allowed: readonly [T, ...T[]]): Signal<T> {
  const name = `mlbench.${key}`;
  const found = allowed.find((value) => value === read(name));
  const setting = signal<T>(found ?? allowed[0]);
  let kept = setting.peek();
  effect(() => {
    const { value } = setting;
    if (value === kept) return;
    kept = value;
    try {
      localStorage.setItem(name, value);
    } catch {
      // Storage is full or forbidden: the setting lasts for this visit.
    }
  });
  return setting;
}

function read(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** The colours: those of the system, light or dark. */
export const theme = stored("theme", ["system", "light", "dark"]);

/** The time zone of all dates on the page. */
export const timeZone = stored("timeZone", ["local", "utc"]);

effect(() => document.documentElement.setAttribute("data-theme", theme.value));
