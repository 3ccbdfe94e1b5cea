import type { RunRequest } from "../../../api/runs";
import type { Run } from "../../../api/wire";
import { size } from "../../../lib/format";
import { goalText } from "../../../lib/goal";
import { nameValues, readNameValues, type NameValues } from "../../../lib/name-values";
import { typedNumber } from "../../../lib/number";
import { shownTags } from "../../../parts/tags";
import { OFFICIAL_IMAGES, officialImage } from "./images";
import { paramsText, readParams } from "./params";
import { NO_PODS, podTexts, readPods, type PodTexts } from "./pods";

/** Where the program of a run comes from. */
export type Program = "builtin" | "command" | "official" | "own";

/** The backends of the dialog; `custom` has a name of its own. */
export type BackendChoice = "" | "mpi" | "gloo" | "nccl" | "custom";

/** What the dialog holds, as it was typed. */
export interface StartForm {
  name: string;
  program: Program;
  command: string;
  officialImage: string;
  ownImage: string;
  backend: BackendChoice;
  customBackend: string;
  allNodes: boolean;
  workers: string;
  cpus: string;
  bandwidth: string;
  memory: string;
  shm: string;
  gpus: string;
  timeLimit: string;
  goal: string;
  stopAtGoal: boolean;
  workingDir: string;
  gpu: boolean;
  light: boolean;
  horovod: boolean;
  environment: NameValues;
  /** One `NAME=VALUE` per line. */
  params: string;
  tags: NameValues;
  pods: PodTexts;
}

/** What is wrong, by the field's name in the API. */
export type Errors = Partial<Record<keyof RunRequest, string>>;

/** The dialog before a person types in it. */
export const EMPTY: StartForm = {
  name: "",
  program: "builtin",
  command: "",
  officialImage: OFFICIAL_IMAGES[0]?.name ?? "",
  ownImage: "",
  backend: "",
  customBackend: "",
  allNodes: false,
  workers: "",
  cpus: "",
  bandwidth: "",
  memory: "",
  shm: "",
  gpus: "",
  timeLimit: "",
  goal: "",
  stopAtGoal: false,
  workingDir: "",
  gpu: false,
  light: false,
  horovod: false,
  environment: nameValues(),
  params: "",
  tags: nameValues(),
  pods: NO_PODS,
};

/** Returns the request for a form, or what the server could not even read. Everything else the server decides. */
export function requestOf(form: StartForm): { request: RunRequest } | { errors: Errors } {
  const errors: Errors = {};
  const number = (field: "num_workers" | "num_cpus" | "max_bandwidth" | "gpus", text: string) => {
    if (text.trim() === "") return {};
    const value = typedNumber(text);
    if (Number.isFinite(value)) return { [field]: value };
    errors[field] = `must be a number, not "${text.trim()}"`;
    return {};
  };
  const given = <T extends object>(field: "environment" | "params" | "tags", read: T | string) => {
    if (typeof read !== "string") return Object.keys(read).length === 0 ? undefined : read;
    errors[field] = read;
    return undefined;
  };
  if (form.name.trim() === "") errors.name = "missing; every run needs one";
  if (form.program === "command" && form.command.trim() === "") {
    errors.custom_image_command = "missing; enter a command or choose the built-in benchmark";
  }
  const environment = given("environment", readNameValues(form.environment));
  const params = given("params", readParams(form.params));
  const tags = given("tags", readNameValues(form.tags));
  const pods = readPods(form.pods);
  if ("errors" in pods) Object.assign(errors, pods.errors);
  const request: RunRequest = {
    name: form.name.trim(),
    ...programOf(form),
    ...backendOf(form),
    ...number("num_workers", form.workers),
    ...number("num_cpus", form.cpus),
    ...number("max_bandwidth", form.bandwidth),
    ...number("gpus", form.gpus),
    ...text("memory", form.memory),
    ...text("shm_size", form.shm),
    ...text("time_limit", form.timeLimit),
    ...text("goal", form.goal),
    ...(form.stopAtGoal ? { stop_at_goal: true } : {}),
    ...text("working_dir", form.workingDir),
    ...(form.gpu ? { gpu_enabled: true } : {}),
    ...(form.light ? { light_target: true } : {}),
    ...(form.horovod ? { use_horovod: true } : {}),
    ...(environment === undefined ? {} : { environment }),
    ...(params === undefined ? {} : { params }),
    ...(tags === undefined ? {} : { tags }),
    ...("needs" in pods ? pods.needs : {}),
  };
  return Object.keys(errors).length > 0 ? { errors } : { request };
}

function text(field: "memory" | "shm_size" | "time_limit" | "goal" | "working_dir", typed: string) {
  return typed.trim() === "" ? {} : { [field]: typed.trim() };
}

function programOf({ program, command, ...form }: StartForm): Partial<RunRequest> {
  const given = command.trim() === "" ? {} : { custom_image_command: command.trim() };
  switch (program) {
    case "builtin":
      return {};
    case "command":
      return given;
    case "official":
      return { image_name: form.officialImage };
    case "own":
      return { image_name: "custom_image", custom_image_name: form.ownImage.trim(), ...given };
  }
}

function backendOf({ backend, customBackend, allNodes }: StartForm): Partial<RunRequest> {
  if (backend === "") return {};
  if (backend !== "custom") return { backend };
  return { backend: "custom_backend", custom_backend: customBackend.trim(), run_all_nodes: allNodes };
}

/** Returns the form that starts a run with the parameters of another one. */
export function formOf(run: Run): StartForm {
  const { command } = run.job_metadata;
  const official = run.image === null ? undefined : officialImage(run.image);
  const isOfficial = official !== undefined && command.startsWith(OFFICIAL_COMMAND);
  const known = (["mpi", "gloo", "nccl"] as const).find((backend) => backend === run.backend);
  return {
    name: run.name,
    program: run.image === null ? "command" : isOfficial ? "official" : "own",
    command: isOfficial ? "" : command,
    officialImage: official?.name ?? EMPTY.officialImage,
    ownImage: isOfficial ? "" : (run.image ?? ""),
    backend: run.backend === null ? "" : (known ?? "custom"),
    customBackend: run.backend === null || known !== undefined ? "" : run.backend,
    allNodes: run.run_all_nodes,
    workers: String(run.num_workers),
    cpus: run.num_cpus === null ? "" : String(run.num_cpus),
    bandwidth: run.max_bandwidth === null ? "" : String(run.max_bandwidth),
    memory: run.memory === undefined ? "" : size(run.memory),
    shm: run.shm_size === undefined ? "" : size(run.shm_size),
    gpus: run.gpus === undefined ? "" : String(run.gpus),
    timeLimit: run.time_limit === undefined ? "" : `${run.time_limit}s`,
    goal: run.goal === undefined ? "" : goalText(run.goal),
    stopAtGoal: run.stop_at_goal ?? false,
    workingDir: run.working_dir ?? "",
    gpu: run.gpu_enabled,
    light: run.light_target,
    horovod: run.use_horovod,
    environment: nameValues(run.environment),
    params: paramsText(run.params),
    tags: nameValues(Object.fromEntries(shownTags(run))),
    pods: podTexts(run),
  };
}

/** How the commands of all official images begin; the server adds flags for the options. */
const OFFICIAL_COMMAND = "/conda/bin/python /codes/main.py --run_id {run_id}";

/** The fields that the dialog shows for a form, by their names in the API. */
export function shownFields(form: StartForm): ReadonlySet<string> {
  // Typed by the wire, so that a renamed field does not compile.
  const shown: (keyof RunRequest)[] = ["name", "num_workers", "num_cpus", "max_bandwidth", "backend"];
  shown.push("memory", "shm_size", "gpus", "time_limit", "goal", "stop_at_goal", "working_dir");
  shown.push("env_from_secrets", "volumes", "node_selector", "tolerations");
  shown.push("priority_class", "service_account", "image_pull_secrets");
  shown.push("gpu_enabled", "light_target", "use_horovod", "environment", "params", "tags");
  if (form.program === "command" || form.program === "own") shown.push("custom_image_command");
  if (form.program === "own") shown.push("custom_image_name");
  if (form.program === "official") shown.push("image_name");
  if (form.backend === "custom") shown.push("custom_backend", "run_all_nodes");
  return new Set(shown);
}

/** Where a message of the server belongs: beside a field that is shown, without its name, or on top. */
export function placeMessage(form: StartForm, field: string | undefined, message: string): Errors | string {
  if (field === undefined || !shownFields(form).has(field)) return message;
  return { [field]: message.slice(field.length + 2) };
}

/** Returns the id of the run that a refusal names as active. */
export function activeRun(message: string): number | undefined {
  const id = /^run ([0-9]+) /.exec(message)?.[1];
  return id === undefined ? undefined : Number(id);
}
