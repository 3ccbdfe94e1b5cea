import { signal } from "@preact/signals";
import type { ComponentType, FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";

import { Failure, Loading } from "./message";

/** Returns a page whose code is loaded when the page is first shown. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): FunctionComponent<P> {
  const loaded = signal<{ page: ComponentType<P> } | { error: unknown } | undefined>(undefined);
  let begun = false;
  return function LazyPage(props: P) {
    useEffect(() => {
      if (begun) return;
      begun = true;
      load().then(
        (page) => (loaded.value = { page }),
        (error: unknown) => (loaded.value = { error }),
      );
    }, []);
    const state = loaded.value;
    if (state === undefined) return <Loading what="the page" />;
    // The code is gone when the server was replaced meanwhile: only a new shell names the new files.
    if ("error" in state) {
      return (
        <Failure what="The page could not be loaded" error={state.error} onRetry={() => location.reload()} />
      );
    }
    const Page = state.page;
    return <Page {...props} />;
  };
}
