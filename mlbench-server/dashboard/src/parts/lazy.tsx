import type { ComponentChild, ComponentType, FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";

import { loadOnce } from "./load-once";
import { Failure, Loading } from "./message";

/** A part of the page whose code is loaded when it is first shown, or before by `load`. */
export interface OnDemand<P extends object> extends FunctionComponent<P> {
  load: () => Promise<void>;
}

/** Returns a part whose code is loaded when it is first shown, and what is in its place until then. */
export function later<P extends object>(
  load: () => Promise<ComponentType<P>>,
  waiting: ComponentChild = null,
): FunctionComponent<P> {
  return onDemand(load, () => waiting);
}

/** Returns a page whose code is loaded when the page is first shown. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): OnDemand<P> {
  return onDemand(load, () => <Loading what="the page" />);
}

function onDemand<P extends object>(
  load: () => Promise<ComponentType<P>>,
  waiting: () => ComponentChild,
): OnDemand<P> {
  const { state: loaded, begin } = loadOnce(load);
  function Part(props: P) {
    useEffect(() => void begin(), []);
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
    const Loaded = state.value;
    return <Loaded {...props} />;
  }
  return Object.assign(Part, { load: begin });
}
