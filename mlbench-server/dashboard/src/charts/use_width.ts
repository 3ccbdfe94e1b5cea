import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/**
 * Follows the width of an element in whole pixels; 0 before it is known.
 *
 * The observer speaks with the layout of the next frame, before it is painted. To ask for the width at once would lay
 * out the page before the requests of its charts have begun.
 */
export function useWidth(root: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = root.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(Math.floor(element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, [root]);
  return width;
}
