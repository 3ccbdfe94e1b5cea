import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** One observer for all places: thousands of them cost nothing until they come near. */
const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) listeners.get(target)?.(isIntersecting);
  },
  { rootMargin: "200% 0px" },
);

const listeners = new WeakMap<Element, (near: boolean) => void>();

/** Shows its content only while it is in view or near; until then it keeps the place free. */
export function WhenVisible(props: {
  height: number;
  class?: string;
  /** Whether it is shown until the observer says that it is far: for what comes first on a page. */
  first?: boolean;
  children: () => ComponentChildren;
}) {
  const [near, setNear] = useState(props.first === true);
  const [height, setHeight] = useState(props.height);
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = place.current;
    if (element === null) return;
    listeners.set(element, (isNear) => {
      // What goes away leaves as much room as it had, so that nothing jumps.
      if (!isNear && element.offsetHeight > 0) setHeight(element.offsetHeight);
      setNear(isNear);
    });
    observer.observe(element);
    return () => {
      observer.unobserve(element);
      listeners.delete(element);
    };
  }, []);
  return (
    <div ref={place} class={props.class} style={near ? undefined : { minHeight: `${height}px` }}>
      {near && props.children()}
    </div>
  );
}
