// Values of the API for tests.
import type { SeriesInfo } from "./metrics";
import type { JobMetadata, Run } from "./wire";

/** Returns a run that has finished, with these changes. */
export function testRun(changes: Partial<Run> = {}, metadata: Partial<JobMetadata> = {}): Run {
  return {
    id: 1,
    name: "x",
    created_at: "2026-11-26T12:00:00.000000Z",
    finished_at: "2026-11-26T12:10:00.000000Z",
    state: "FINISHED",
    job_id: "",
    environment: {},
    job_metadata: { command: "train", master_name: "", pods: [], exit_codes: {}, reason: null, ...metadata },
    num_workers: 2,
    num_cpus: null,
    max_bandwidth: null,
    image: null,
    backend: null,
    run_all_nodes: true,
    gpu_enabled: false,
    light_target: false,
    use_horovod: false,
    ...changes,
  };
}

/** Returns the summary of a series. */
export function testSeries(name: string, count = 2, last_value = "0.5"): SeriesInfo {
  return { name, count, first_date: "", last_date: "", min: 0, max: 1, last_value };
}
