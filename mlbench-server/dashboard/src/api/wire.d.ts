// The types of the API, generated from mlbench-core; mlbench-core/src/api/wire.rs says how to write them again.

/** A point in time from 1970 to 9999, in microseconds since 1970-01-01T00:00:00Z. */
export type Timestamp = string;

/** The id of a run: 1, 2, 3 … in order of creation, never reused. */
export type RunId = number;

/** The name of a run, chosen by a person and not unique: 1 to 100 characters, no control characters. */
export type RunName = string;

/** The name of a pod, a DNS-1123 subdomain (lowercase letters, digits, `-` and `.`, at most 253 characters). */
export type PodName = string;

/** The name of a metric, any text of 1 to 512 bytes (`val_global_Prec@1 @ 0`). */
export type MetricName = string;

/** A measured value, a number or any other text, preserved byte for byte. */
export type MetricValue = string;

/** A key of a Secret: `NAME/KEY`. */
export type SecretKey = {
  /** Name of the Secret. */
  secret: string;
  /** Key in its data. */
  key: string;
};

/** An empty directory. */
export type EmptyDir = {
  /** Its size in bytes, above which the kubelet ends the worker. Absent for no limit. */
  size?: number;
};

/** What a volume holds. */
export type VolumeSource = { "pvc": string } | { "config_map": string } | { "secret": string } | { "host_path": string } | { "empty_dir": EmptyDir };

/** A volume that every worker of a run mounts: `NAME:PATH:KIND/SOURCE`, with `:ro` for one that is only read. */
export type Volume = {
  /** Name of the volume in the pods of the run. */
  name: string;
  /** Directory of the workers, which the variable `MLBENCH_VOLUME_NAME` names too. */
  mount_path: string;
  /** Whether the workers may only read it. */
  read_only?: boolean;
} & ({ "pvc": string } | { "config_map": string } | { "secret": string } | { "host_path": string } | { "empty_dir": EmptyDir });

/** What a taint does to pods that do not tolerate it. */
export type TaintEffect = "NoSchedule" | "PreferNoSchedule" | "NoExecute";

/** A taint that the pods of a run tolerate: `KEY`, `KEY=VALUE`, each also with `:EFFECT`. */
export type Toleration = {
  /** Key of the taint. */
  key: string;
  /** Its value. Absent for any. */
  value?: string;
  /** Its effect: `NoSchedule`, `PreferNoSchedule` or `NoExecute`. Absent for any. */
  effect?: TaintEffect;
};

/** Where an imported run comes from, and when it came. */
export type ImportedFrom = {
  /** Random name of the database of the server that the run was first exported from. */
  server: string;
  /** Name of the machine of that server, possibly empty. */
  host: string;
  /** Id of the run there. */
  run_id: RunId;
  /** Time of the import into this server. */
  imported_at: Timestamp;
};

/** Which values of a metric reach a goal. */
export type Direction = "at_least" | "at_most";

/** Which value of which metric a training is to reach: `val_global_Prec@1>=80`. */
export type Goal = {
  /** The metric, such as `val_global_Prec@1`. Without a rank, those of all ranks count. */
  metric: string;
  /** Which values reach the goal. */
  direction: Direction;
  /** The goal. */
  value: number;
};

/** Lifecycle state of a run, uppercase on the wire as in the specification. */
export type RunState = "INITIALIZED" | "STARTED" | "FINISHED" | "FAILED" | "STOPPED";

/** A run, the response of `GET` and `POST /api/runs/…` and an item of `GET /api/runs/`. */
export type Run = {
  /** Id of the run. */
  id: RunId;
  /** Name of the run. */
  name: RunName;
  /** Time when the run was accepted. */
  created_at: Timestamp;
  /** Time when the run ended, `null` before. */
  finished_at: Timestamp | null;
  /** Lifecycle state. */
  state: RunState;
  /** Random id of the job. */
  job_id: string;
  /** Details of the execution. */
  job_metadata: JobMetadata;
  /** Number of workers. */
  num_workers: number;
  /** CPU cores per worker, `null` for no limit. */
  num_cpus: number | null;
  /** Requested bandwidth between workers in megabits per second. */
  max_bandwidth: number | null;
  /** Container image, `null` on the static workers. */
  image: string | null;
  /** Communication backend, `null` if none was requested. */
  backend: string | null;
  /** Whether the command is started on every worker. */
  run_all_nodes: boolean;
  /** Whether GPUs were requested. */
  gpu_enabled: boolean;
  /** Whether the run trains to the light goal. */
  light_target: boolean;
  /** Whether the run uses Horovod. */
  use_horovod: boolean;
  /** Environment variables of the command. Not secret. */
  environment: Record<string, string>;
  /** What the run was given, by name. Absent without any. */
  params?: Record<string, string | number | boolean>;
  /** What people sort the run by. Absent without any. */
  tags?: Record<string, string>;
  /** Whether the run executes elsewhere and only reports here. Absent if not. */
  external?: boolean;
  /** Where the run comes from, if it was imported from another server. Absent if not. */
  imported_from?: ImportedFrom;
  /** Position in the queue, 1 for the next run. Only present while the run waits (`--run-policy queue`). */
  queue_position?: number;
  /** Why the run waits, as a sentence fragment. Only present while the run waits. */
  waiting_for?: string;
  /** Token that may only report to this external run, until it has ended. */
  token?: string;
  /** Memory per worker in bytes. */
  memory?: number;
  /** Size of `/dev/shm` per worker in bytes. Defaults to half of the memory. */
  shm_size?: number;
  /** GPUs per worker. */
  gpus?: number;
  /** Directory in which the command starts. */
  working_dir?: string;
  /** Longest time from the admission of the run to its end, in seconds. */
  time_limit?: number;
  /** Which value of which metric the run is to reach. */
  goal?: Goal;
  /** Whether the first point that reaches the goal ends the run. */
  stop_at_goal?: boolean;
  /** Environment variables of the command with the keys of Secrets that have their values. */
  env_from_secrets?: Record<string, SecretKey>;
  /** Volumes that every worker mounts. */
  volumes?: Array<Volume>;
  /** Labels that the nodes of the workers must have. */
  node_selector?: Record<string, string>;
  /** Taints of nodes that the workers tolerate. */
  tolerations?: Array<Toleration>;
  /** Priority class of the workers. */
  priority_class?: string;
  /** Service account of the workers, whose token they get. */
  service_account?: string;
  /** Secrets for pulling the image, besides those of the server's settings. */
  image_pull_secrets?: Array<string>;
};

/** Details of the execution of a run. */
export type JobMetadata = {
  /** Command before placeholders are replaced. */
  command: string;
  /** Pod of rank 0, empty while unknown. */
  master_name: string;
  /** Pods in rank order. */
  pods: Array<PodName>;
  /** Known exit codes by rank. */
  exit_codes: Record<string, number>;
  /** Why the run failed, or which point reached the goal that ended it. */
  reason: string | null;
  /** Lines of standard output as `[rank] text`. Absent in lists and with `logs=0`. */
  stdout?: Array<string>;
  /** Lines of standard error as `[rank] text`. Absent in lists and with `logs=0`. */
  stderr?: Array<string>;
};

/** A run to start. `{"name": …}` alone runs the default command on all workers. */
export type RunRequest = {
  /** Name of the run. */
  name: RunName;
  /** Number of workers. Defaults to all workers. */
  num_workers?: number;
  /** CPU cores per worker, possibly fractional. */
  num_cpus?: number;
  /** Bandwidth between workers in megabits per second. Stored but not enforced. */
  max_bandwidth?: number;
  /** Name of an official image, or `custom_image`. */
  image_name?: string;
  /** Container image if `image_name` is `custom_image`. */
  custom_image_name?: string;
  /** Command to run. Runs on the static workers unless an image is given. */
  custom_image_command?: string;
  /** `mpi`, `gloo` or `nccl` in any letter case, or `custom_backend`. */
  backend?: string;
  /** Communication backend if `backend` is `custom_backend`. */
  custom_backend?: string;
  /** Whether a custom backend starts the command on every worker instead of only the first. */
  run_all_nodes?: boolean;
  /** Whether to request GPUs. */
  gpu_enabled?: boolean;
  /** Whether to train to the light goal. */
  light_target?: boolean;
  /** Whether to use Horovod. */
  use_horovod?: boolean;
  /** Environment variables of the command. */
  environment?: Record<string, string>;
  /** Whether the run executes elsewhere and only reports here. */
  external?: boolean;
  /** What the run is given, by name. */
  params?: Record<string, string | number | boolean>;
  /** What people sort the run by. */
  tags?: Record<string, string>;
  /** Memory per worker in bytes. */
  memory?: number;
  /** Size of `/dev/shm` per worker in bytes. Defaults to half of the memory. */
  shm_size?: number;
  /** GPUs per worker. */
  gpus?: number;
  /** Directory in which the command starts. */
  working_dir?: string;
  /** Longest time from the admission of the run to its end, in seconds. */
  time_limit?: number;
  /** Which value of which metric the run is to reach. */
  goal?: Goal;
  /** Whether the first point that reaches the goal ends the run. */
  stop_at_goal?: boolean;
  /** Environment variables of the command with the keys of Secrets that have their values. */
  env_from_secrets?: Record<string, SecretKey>;
  /** Volumes that every worker mounts. */
  volumes?: Array<Volume>;
  /** Labels that the nodes of the workers must have. */
  node_selector?: Record<string, string>;
  /** Taints of nodes that the workers tolerate. */
  tolerations?: Array<Toleration>;
  /** Priority class of the workers. */
  priority_class?: string;
  /** Service account of the workers, whose token they get. */
  service_account?: string;
  /** Secrets for pulling the image, besides those of the server's settings. */
  image_pull_secrets?: Array<string>;
};

/** Changes of a run. */
export type RunPatch = {
  /** Parameters to add. One that is there must have the same value. */
  params?: Record<string, string | number | boolean>;
  /** Tags to set, and to remove with `null`. */
  tags?: Record<string, string | null>;
  /** How an external run ended: `FINISHED`, `FAILED` or `STOPPED`. */
  state?: RunState;
  /** Why it failed. */
  reason?: string;
  /** Its exit codes by rank. */
  exit_codes?: Record<string, number>;
};

/** An output stream of a rank. */
export type OutputStream = "stdout" | "stderr";

/** One line of a run's output. */
export type LogLine = {
  /** Sequence number, ascending within a run across ranks and streams. 0 for an unfinished line. */
  seq: number;
  /** Time when the end of the line came. */
  date: Timestamp;
  /** The rank that wrote the line. `null` for server messages. */
  rank: number | null;
  /** The stream that the line was written to. */
  stream: OutputStream;
  /** The line without its line ending. */
  text: string;
};

/** The response of `GET /api/runs/{id}/logs/`. */
export type LogPage = {
  /** The lines by ascending sequence number. */
  lines: Array<LogLine>;
  /** Value of `after` for the next page. Equal to the requested one if there are no new lines. */
  next: number;
  /** Value of `before` for the page before this one. */
  previous?: number;
  /** The newest state of lines without an end, such as progress bars, after the last page. */
  unfinished?: Array<LogLine>;
};

/** The response of `GET /api/session/`. */
export type Session = {
  /** Whether the server requires a token. */
  required: boolean;
  /** Whether the cookie of the request names a session. */
  signed_in: boolean;
};

/** The body of `POST /api/session/`. */
export type SignIn = {
  /** The token of the server. */
  token: string;
};

/** Lifecycle phase of a pod, as defined by Kubernetes. */
export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";

/** A worker pod, an item of `GET /api/pods/`. */
export type Pod = {
  /** Name of the pod. */
  name: PodName;
  /** Labels of the pod, a Python dictionary literal on the wire. */
  labels: string;
  /** Lifecycle phase. */
  phase: PodPhase;
  /** IP address, empty while unknown. */
  ip: string;
};

/** A summary of a series, an item of `GET /api/runs/{id}/series/` and `GET /api/pods/{name}/series/`. */
export type Series = {
  /** Name of the metric. */
  name: MetricName;
  /** Number of points, at least 1. */
  count: number;
  /** Date of the first point. */
  first_date: Timestamp;
  /** Date of the last point. */
  last_date: Timestamp;
  /** Smallest finite value. `None` when no value is a finite number. */
  min: number | null;
  /** Largest finite value. `None` when no value is a finite number. */
  max: number | null;
  /** Value of the point that arrived last, whatever its date: a clock that is ahead hides no later value. */
  last_value: MetricValue;
};

/** The newest values of one run. */
export type RunValues = {
  /** Id of the run. */
  run_id: RunId;
  /** How good its model is. Absent without such a metric, and when the query names metrics. */
  accuracy?: MeasuredValue;
  /** What its training lowers. Absent without such a metric, and when the query names metrics. */
  loss?: MeasuredValue;
  /** Values of the metrics that the query names, `null` for one that is no finite number. */
  metrics?: { [key in MetricName]: number | null };
};

/** The newest value of the metric that represents a measure. */
export type MeasuredValue = {
  /** Name of the metric. */
  name: MetricName;
  /** Value of the point that arrived last, `null` when it is no finite number. */
  value: number | null;
};

/** A page of newest values, the response of `GET /api/values/`. */
export type RunValuesPage = {
  /** The runs with values, by ascending id. */
  runs: Array<RunValues>;
  /** Id to send as `after` for the next page, `null` after the last run. */
  next: RunId | null;
};

/** A point with the requested fields. */
export type PointRecord = {
  /** Time of the measurement. */
  date?: Timestamp;
  /** The measured value. */
  value?: MetricValue;
  /** Whether the value adds up over time. */
  cumulative?: boolean;
  /** Free text. */
  metadata?: string;
  /** Training step of the measurement. */
  step?: number | null;
  /** Training epoch of the measurement. */
  epoch?: number | null;
};

/** An aggregate of consecutive points. A bucket without a finite number has `count` 0 and no values. */
export type Bucket = {
  /** Date of the first point. */
  start: Timestamp;
  /** Date of the last point. */
  end: Timestamp;
  /** Number of points that are finite numbers. */
  count: number;
  /** First finite number. */
  first: number | null;
  /** Last finite number. */
  last: number | null;
  /** Smallest finite number. */
  min: number | null;
  /** Largest finite number. */
  max: number | null;
  /** Sum of the finite numbers, up to rounding. `None` if it overflows. */
  sum: number | null;
  /** Training step of the last point. */
  step: number | null;
  /** Training epoch of the last point. */
  epoch: number | null;
};

/** The result of a batch and the response of `POST /api/metrics/batch/`. */
export type BatchResult = {
  /** Number of stored points. */
  accepted: number;
  /** Number of rejected points. */
  rejected_count: number;
  /** The first [`BatchResult::MAX_LISTED`] rejected points, in request order. */
  rejected: Array<RejectedPoint>;
  /** Number of the last line that was processed, from 1, and 0 for none. Only for NDJSON uploads. */
  last_line?: number;
};

/** A point that was not stored. */
export type RejectedPoint = {
  /** Index of the array element or of the line in the request, from 0. */
  index: number;
  /** Index of the point in the arrays of a series, from 0. */
  item?: number;
  /** The error code that a single `POST` of the point would return. */
  code: ErrorCode;
  /** The error message that a single `POST` of the point would return. */
  message: string;
};

/** Machine-readable kind of an error, the member `code` of a problem document. */
export type ErrorCode = "malformed" | "invalid_field" | "unknown_field" | "unauthorized" | "forbidden" | "forbidden_host" | "forbidden_origin" | "not_found" | "method_not_allowed" | "not_acceptable" | "unsupported_media_type" | "payload_too_large" | "request_timeout" | "run_active" | "run_deleting" | "param_conflict" | "run_ended" | "run_launched" | "insufficient_capacity" | "idempotency_key_reused" | "too_many_attempts" | "overloaded" | "too_many_streams" | "unavailable" | "internal";

/** The body of every response with status 4xx or 5xx. */
export type Problem = {
  /** Always `about:blank`, because the status describes the problem (RFC 9457, section 4.2.1). */
  type: string;
  /** Reason phrase of the status. */
  title: string;
  /** HTTP status code. */
  status: number;
  /** Description of the problem, usually with a fix. */
  detail: string;
  /** Path of the request. */
  instance: string;
  /** Machine-readable error code. */
  code: ErrorCode;
  /** Id of the request in the server log. */
  request_id: string;
  /** Copy of `detail`, because existing clients print this member. */
  message: string;
};

/** The first event of a stream. */
export type StreamOpen = {
  /** The position after which the stream begins. */
  cursor: number;
  /** What the stream is about. */
  topics: Array<string>;
};

/** Runs that changed, and runs that were deleted. */
export type RunsChanged = {
  /** The runs as they are now, without their output. */
  runs: Array<Run>;
  /** Ids of runs that were deleted. */
  deleted: Array<RunId>;
};

/** The whole list of worker pods. */
export type PodList = {
  /** The pods by name. */
  pods: Array<Pod>;
};

/** The points of one pod or run with positions after `after`, up to the id of the event. */
export type NewPoints = {
  /** The position after which the points begin. */
  after: number;
  /** The run, unless the points belong to a pod. */
  run_id?: RunId;
  /** The pod, unless the points belong to a run. */
  pod_name?: PodName;
  /** The points of each metric in the order in which they arrived. */
  metrics: Record<string, Array<EventPoint>>;
};

/** A point of an event. */
export type EventPoint = {
  /** Time of the measurement. */
  date: Timestamp;
  /** The measured value. */
  value: MetricValue;
  /** Training step of the measurement, if the client sent one. */
  step?: number;
  /** Training epoch of the measurement, if the client sent one. */
  epoch?: number;
};

/** New lines of a run. */
export type NewLines = {
  /** The run. */
  run_id: RunId;
  /** The lines by ascending sequence number. */
  lines: Array<LogLine>;
};

/** A gap: the client must read the state again, and the stream goes on after the id of this event. */
export type Resync = {
  /** Why events were left out. */
  reason: string;
};

/** What the time to accuracy of a training is measured by. */
export type Clock = "training" | "wall";

/** The kind of an interval. */
export type Interval = "bootstrap_95" | "min_max";

/** A median with an interval. */
export type Estimate = {
  /** Number of trainings. Of a ratio, that of the smaller group. */
  n: number;
  /** The median. */
  median: number;
  /** Lower end of the interval. */
  low: number;
  /** Upper end of the interval, `null` when trainings that did not reach the goal leave it open. */
  high: number | null;
  /** What the interval is. */
  interval: Interval;
};

/** The parameters of a run that decide its group. */
export type Parameters = {
  /** Container image, `null` on the static workers. */
  image: string | null;
  /** Command before placeholders are replaced. */
  command: string;
  /** Communication backend, `null` if none was requested. */
  backend: string | null;
  /** Whether the command is started on every worker. */
  run_all_nodes: boolean;
  /** Number of workers. */
  num_workers: number;
  /** CPU cores per worker, `null` for no limit. */
  num_cpus: number | null;
  /** Requested bandwidth between workers in megabits per second. */
  max_bandwidth: number | null;
  /** Whether GPUs were requested. */
  gpu_enabled: boolean;
  /** Whether the runs train to the light goal. */
  light_target: boolean;
  /** Whether the runs use Horovod. */
  use_horovod: boolean;
  /** What the runs were given, by name, without their seeds. Absent without any. */
  params?: Record<string, string | number | boolean>;
  /** Environment variables of the command, without seeds. Absent without any. */
  environment?: Record<string, string>;
  /** GPUs per worker. Absent if the runs name no number. */
  gpus?: number;
  /** Memory per worker in bytes. Absent if the runs name none. */
  memory?: number;
  /** Directory in which the command starts. Absent if the runs name none. */
  working_dir?: string;
  /** Volumes of the workers. Absent without any. */
  volumes?: Array<Volume>;
  /** Labels of the nodes of the workers. Absent if the runs name none. */
  node_selector?: Record<string, string>;
  /** Whether the runs execute elsewhere. Absent if not. */
  external?: boolean;
};

/** One training of a run. */
export type Training = {
  /** The run. */
  run: RunId;
  /** Number of the training within the run, from 1. */
  number: number;
  /** Whether it reached the goal. */
  reached: boolean;
  /** Seconds until it did. */
  seconds: number | null;
  /** Date of the first value that reached the goal. */
  date: Timestamp | null;
  /** Why it did not reach the goal. */
  reason: string | null;
  /** Whether it may still reach the goal, because its run is active. It is not counted in `n`. */
  pending: boolean;
  /** The best value of the metric, `null` when no value was a finite number. */
  best: number | null;
};

/** Where the phases of a run come from. */
export type PhaseSource = "totals" | "steps";

/** A value for each phase. Compute, communication and other add up to the total. */
export type PhaseValues = {
  /** Computing: forward pass, loss, backward pass, optimizer, and aggregation where there is one worker. */
  compute: number;
  /** Aggregation between several workers, `null` when the program does not report it. */
  communication: number | null;
  /** The part of communication that transfers data, `null` when the program does not distinguish it. */
  transfer: number | null;
  /** The part of communication that waits for others, `null` when the program does not distinguish it. */
  waiting: number | null;
  /** Loading batches, statistics and the rest. */
  other: number;
};

/** How long a run spent in each phase of its training. */
export type Phases = {
  /** Where the seconds come from. */
  source: PhaseSource;
  /** Seconds of all steps. */
  total: number;
  /** Seconds of each phase. */
  seconds: PhaseValues;
  /** Share of each phase in the total, from 0 to 1. */
  shares: PhaseValues;
  /** Seconds of each step as the program reports them, such as `fwd_pass`. */
  steps: { [key in string]: number };
};

/** The time of an all-reduce of one run. */
export type AllReduce = {
  /** Bytes of the vector. */
  bytes: number;
  /** Bits of an element. */
  element_bits: number;
  /** Seconds of one all-reduce. */
  seconds: number;
  /** Bytes of the vector per second. */
  algorithm_bandwidth: number;
  /** Bytes per second over each link: the algorithm bandwidth times 2 (n - 1) / n for n workers. */
  bus_bandwidth: number;
};

/** The times of an all-reduce of all runs of a group. */
export type AllReduceEstimate = {
  /** Bytes of the vector. */
  bytes: number;
  /** Bits of an element. */
  element_bits: number;
  /** Seconds of one all-reduce. */
  seconds: Estimate;
  /** Bytes of the vector per second, at the median time. */
  algorithm_bandwidth: number;
  /** Bytes per second over each link, at the median time. */
  bus_bandwidth: number;
};

/** The end of a series. */
export type EndValue = {
  /** Name of the metric. */
  name: string;
  /** Number of points. */
  count: number;
  /** Value of the point that arrived last. */
  last: MetricValue;
  /** Best finite value, the largest or the smallest by [`direction`](Self::direction). */
  best: number | null;
  /** Whether larger or smaller values are better. */
  direction: Direction;
};

/** A run in a comparison. */
export type ComparedRun = {
  /** Id of the run. */
  id: RunId;
  /** Name of the run. */
  name: RunName;
  /** Lifecycle state. */
  state: RunState;
  /** Time when the run was accepted. */
  created_at: Timestamp;
  /** Time when the run ended, `null` before. */
  finished_at: Timestamp | null;
  /** Seconds from leaving the queue to the end, `null` before. */
  seconds: number | null;
  /** Index of its group. */
  group: number;
  /** The result as the program reports it. */
  result: string | null;
  /** Its phases, `null` when the program reports no steps. */
  phases: Phases | null;
  /** Last and best values of its metrics. */
  end_values: Array<EndValue>;
  /** All-reduce times by vector length. */
  all_reduce: Array<AllReduce>;
};

/** Runs with equal parameters, whatever their names are. */
export type Group = {
  /** The number of workers, and what else differs between the groups. */
  label: string;
  /** The distinct names of the runs. */
  names: Array<RunName>;
  /** The runs by id. */
  runs: Array<RunId>;
  /** The parameters that all of the runs have. */
  parameters: Parameters;
  /** Whether the workers need more cores than the machine has. */
  oversubscribed: boolean | null;
  /** Number of trainings that have ended: a run may train several times. */
  n: number;
  /** How many of them reached the goal. */
  reached: number;
  /** Seconds to the goal. */
  time_to_accuracy: Estimate | null;
  /** Why [`time_to_accuracy`](Self::time_to_accuracy) is `null`. */
  no_time_reason: string | null;
  /** Index of the group that this one is compared with. */
  baseline: number;
  /** Median time to accuracy of the baseline divided by that of this group. */
  speed_up: Estimate | null;
  /** Speed-up divided by the ratio of the numbers of workers. */
  efficiency: Estimate | null;
  /** Why [`speed_up`](Self::speed_up) is `null`. */
  no_speed_up_reason: string | null;
  /** Mean of the phases of its runs, `null` when no run reports any. */
  phases: Phases | null;
  /** Every training by run and number. */
  trainings: Array<Training>;
  /** All-reduce times by vector length. */
  all_reduce: Array<AllReduceEstimate>;
};

/** A comparison of runs, the response of `GET /api/comparison/`. */
export type Comparison = {
  /** The metric that the runs are compared by. */
  metric: string;
  /** Which values of the metric reach the goal. */
  direction: Direction;
  /** The goal, `null` when neither the request nor the programs of the runs name one. */
  goal: number | null;
  /** What times to accuracy are measured by, the same for all runs. */
  clock: Clock;
  /** Cores of the machine that runs all workers, `null` when the server does not know them. */
  cores: number | null;
  /** Runs with equal parameters, by program, then by workers. */
  groups: Array<Group>;
  /** The runs by id. */
  runs: Array<ComparedRun>;
  /** What limits this comparison, in sentences. */
  warnings: Array<string>;
};
