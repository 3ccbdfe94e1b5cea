import { signal, type ReadonlySignal } from "@preact/signals";

/** What has become of a load. */
export type Loaded<T> = { value: T } | { error: unknown };

/** Something that is loaded once. */
export interface LoadOnce<T> {
  /** Undefined until it is there or has failed. */
  state: ReadonlySignal<Loaded<T> | undefined>;
  /** Begins to load, unless that has begun; ends with the load, which may have failed. */
  begin: () => Promise<void>;
}

/** Loads once, however many parts of the page ask for it, and before they do where somebody knows that they will. */
export function loadOnce<T>(load: () => Promise<T>): LoadOnce<T> {
  const state = signal<Loaded<T> | undefined>(undefined);
  let loading: Promise<void> | undefined;
  const begin = () =>
    (loading ??= load().then(
      (value) => void (state.value = { value }),
      (error: unknown) => void (state.value = { error }),
    ));
  return { state, begin };
}
