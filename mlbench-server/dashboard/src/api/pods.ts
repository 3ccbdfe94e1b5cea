import { sendJson } from "./request";
import type { Pod } from "./wire";

/** Lists the worker pods that are in the cluster now. */
export function listPods(signal?: AbortSignal): Promise<Pod[]> {
  return sendJson("api/pods/", signal === undefined ? {} : { signal });
}
