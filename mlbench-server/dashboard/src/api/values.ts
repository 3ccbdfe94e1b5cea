import { sendJson } from "./request";
import type { RunValuesPage } from "./wire";

/** Reads the newest accuracy and loss of the runs after an id, 10,000 at most. */
export function getValues(after: number): Promise<RunValuesPage> {
  return sendJson("api/values/", { query: new URLSearchParams({ after: String(after) }) });
}
