/** A page of the dashboard with what its path names. */
export type Route =
  | { page: "workers" }
  | { page: "worker"; pod: string }
  | { page: "runs" }
  | { page: "run"; id: number }
  | { page: "compare" }
  | { page: "missing"; path: string };

/** Reads the path of a page, without the base and the query: `runs/3`. */
export function parseRoute(path: string): Route {
  const segments = path.split("/").filter((segment) => segment !== "");
  const [first, second, ...rest] = segments;
  const missing: Route = { page: "missing", path };
  if (rest.length > 0) return missing;
  if (second === undefined) {
    switch (first) {
      case undefined:
        return { page: "workers" };
      case "runs":
        return { page: "runs" };
      case "compare":
        return { page: "compare" };
      default:
        return missing;
    }
  }
  if (first === "runs" && /^[1-9][0-9]{0,15}$/.test(second)) return { page: "run", id: Number(second) };
  if (first === "workers") return workerRoute(second) ?? missing;
  return missing;
}

/** Returns the path for a link that MLflow's client prints, such as `#/experiments/1/runs/0042`. */
export function ofMlflow(hash: string): string | undefined {
  const [link, run] = /^#\/experiments\/[0-9]+(?:\/runs\/0*([1-9][0-9]{0,15}))?$/.exec(hash) ?? [];
  if (link === undefined) return undefined;
  return run === undefined ? "runs" : `runs/${run}`;
}

function workerRoute(segment: string): Route | undefined {
  try {
    return { page: "worker", pod: decodeURIComponent(segment) };
  } catch {
    return undefined;
  }
}

/** Returns the path of a page for a link, without the base. */
export function routePath(route: Exclude<Route, { page: "missing" }>): string {
  switch (route.page) {
    case "workers":
      return "";
    case "worker":
      return `workers/${encodeURIComponent(route.pod)}`;
    case "run":
      return `runs/${route.id}`;
    default:
      return route.page;
  }
}
