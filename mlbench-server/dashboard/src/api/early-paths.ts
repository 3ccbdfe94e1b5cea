import { parseIds } from "../lib/ids";
import { parseRoute } from "../lib/route";
import { runPath, seriesPath } from "./paths";

/** How many runs of a comparison are requested early: as many as have curves. */
const MOST = 100;

/**
 * Returns what a page requests first.
 *
 * These are only what a page reads again when it knows the position of the stream, so that an early response is never
 * too old: lists of metrics, and the run of a page.
 */
export function earlyPaths(page: string): string[] {
  const [path = "", query = ""] = page.split("?");
  const route = parseRoute(path);
  switch (route.page) {
    case "run":
      return [seriesPath({ run: route.id }), runPath(route.id, 0)];
    case "worker":
      return [seriesPath({ pod: route.pod })];
    case "compare":
      return parseIds(new URLSearchParams(query).get("runs") ?? "")
        .slice(0, MOST)
        .map((run) => seriesPath({ run }));
    default:
      return [];
  }
}
