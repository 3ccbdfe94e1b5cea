import { signal } from "@preact/signals";
import type { ComponentChild, ComponentType, FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";

import { Failure, Loading } from "./message";

/** Returns a part whose code is loaded when it is first shown, and what is in its place until then. */
export function later<P extends object>(
  load: () => Promise<ComponentType<P>>,
  waiting: ComponentChild = null,
): FunctionComponent<P> {
  return onDemand(load, () => waiting);
}

/** Returns a page whose code is loaded when the page is first shown. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): FunctionComponent<P> {
  return onDemand(load, () => <Loading what="the page" />);
}

function onDemand<P extends object>(
  load: () => Promise<ComponentType<P>>,
  waiting: () => ComponentChild,
): FunctionComponent<P> {
  const loaded = signal<{ part: ComponentType<P> } | { error: unknown } | undefined>(undefined);
  let begun = false;
  return function OnDemand(props: P) {
    useEffect(() => {
      if (begun) return;
      begun = true;
      load().then(
        (part) => (loaded.value = { part }),
        (error: unknown) => (loaded.value = { error }),
      );
    }, []);
    const state = loaded.value;
    if (state === undefined) return waiting();
    // The code is gone when the server was replaced meanwhile: only a new shell names the new files.
    if ("error" in state) {
      return (
        <Failure
          what="A part of the page could not be loaded"
          error={state.error}
          onRetry={() => location.reload()}
        />
      );
    }
    const Part = state.part;
    return <Part {...props} />;
  };
}
