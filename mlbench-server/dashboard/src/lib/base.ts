/** The address under which a proxy or the server publishes the page: the parent of `assets/`, ends in a slash. */
export const base = new URL("..", import.meta.url);

/** Returns the absolute address of a path such as `runs/3?tab=logs`. */
export function address(path: string): string {
  return new URL(path, base).href;
}

/** Returns the path of an address below the page's own, or undefined for a foreign one. */
export function pathOf(href: string): string | undefined {
  const url = new URL(href, base);
  const own = url.origin === base.origin && url.pathname.startsWith(base.pathname);
  return own ? url.pathname.slice(base.pathname.length) + url.search : undefined;
}
