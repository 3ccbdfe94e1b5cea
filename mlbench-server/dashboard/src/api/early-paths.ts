import { MOST_CURVES, parseIds } from "../lib/ids";
import { parseRoute } from "../lib/route";
import { runPath, seriesPath } from "./paths";

/**
 * Returns what a page requests first: lists of metrics, and the run of a page.
 *
 * The page reads each again when it knows the position of the stream, so that nothing stays too old.
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
        .slice(0, MOST_CURVES)
        .map((run) => seriesPath({ run }));
    default:
      return [];
  }
}
