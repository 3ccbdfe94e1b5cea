import { useEffect } from "preact/hooks";

/** Names the page in the title of the window. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · mlbench`;
  }, [title]);
}
