// The types of the API as mlbench-core serializes them.

/** A date: RFC 3339, UTC, microseconds. */
export type Timestamp = string;
export type RunState = "INITIALIZED" | "STARTED" | "FINISHED" | "FAILED" | "STOPPED";
export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
export type OutputStream = "stdout" | "stderr";

export interface Run {
  id: number;
  name: string;
  created_at: Timestamp;
  finished_at: Timestamp | null;
  state: RunState;
  job_id: string;
  job_metadata: JobMetadata;
  num_workers: number;
  num_cpus: number | null;
  max_bandwidth: number | null;
  image: string | null;
  backend: string | null;
  run_all_nodes: boolean;
  gpu_enabled: boolean;
  light_target: boolean;
  use_horovod: boolean;
  /** Absent in runs of older servers. */
  environment?: Record<string, string>;
  queue_position?: number;
  waiting_for?: string;
}

export interface JobMetadata {
  command: string;
  master_name: string;
  pods: string[];
  exit_codes: Record<string, number>;
  reason: string | null;
  stdout?: string[];
  stderr?: string[];
}

export interface Pod {
  name: string;
  labels: string;
  phase: PodPhase;
  ip: string;
}

export interface LogLine {
  seq: number;
  date: Timestamp;
  rank: number | null;
  stream: OutputStream;
  text: string;
}

export interface LogPage {
  lines: LogLine[];
  next: number;
}
