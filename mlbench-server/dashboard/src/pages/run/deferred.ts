import { useEffect, useState } from "preact/hooks";

/** How long a text must rest, in milliseconds. */
const REST = 120;

/** Returns a text once it rests, so that typing stays quick where much depends on it. */
export function useDeferred(text: string): string {
  const [rested, setRested] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setRested(text), REST);
    return () => clearTimeout(timer);
  }, [text]);
  return rested;
}
