import type { RunRequest } from "../../../api/runs";
import type { EmptyDir, Toleration, Volume } from "../../../api/wire";
import { size } from "../../../lib/format";
import { nameValues, readNameValues } from "../../../lib/name-values";

/** The fields about the pods of a run. */
const FIELDS = [
  "env_from_secrets",
  "volumes",
  "node_selector",
  "tolerations",
  "priority_class",
  "service_account",
  "image_pull_secrets",
] as const;

/** The name of a field about the pods of a run. */
export type PodField = (typeof FIELDS)[number];

type PodNeeds = Pick<RunRequest, PodField>;

/** What a run asks of its pods as it was typed, in the notation of the command line: lists have an element per line. */
export type PodTexts = Readonly<Record<PodField, string>>;

/** No needs. */
export const NO_PODS: PodTexts = podTexts({});

/** Returns needs as they are edited. */
export function podTexts(needs: PodNeeds): PodTexts {
  const secrets = Object.entries(needs.env_from_secrets ?? {});
  const lines = (texts: readonly string[] = []) => texts.join("\n");
  return {
    env_from_secrets: lines(secrets.map(([name, { secret, key }]) => `${name}=${secret}/${key}`)),
    volumes: lines(needs.volumes?.map(volumeText)),
    node_selector: nameValues(needs.node_selector).text,
    tolerations: lines(needs.tolerations?.map(tolerationText)),
    priority_class: needs.priority_class ?? "",
    service_account: needs.service_account ?? "",
    image_pull_secrets: lines(needs.image_pull_secrets),
  };
}

/** Returns the needs that were typed, or for each field which line has not its form. The server judges the rest. */
export function readPods(
  texts: PodTexts,
): { needs: PodNeeds } | { errors: Partial<Record<PodField, string>> } {
  const errors: Partial<Record<PodField, string>> = {};
  const needs: PodNeeds = {};
  const take = <F extends PodField>(field: F, read: PodNeeds[F] | Wrong) => {
    if (read instanceof Wrong) errors[field] = read.why;
    else if (read !== undefined) needs[field] = read;
  };
  take("env_from_secrets", readSecrets(texts.env_from_secrets));
  take("volumes", readLines(texts.volumes, readVolume));
  take("node_selector", readLabels(texts.node_selector));
  take("tolerations", readLines(texts.tolerations, readToleration));
  take("priority_class", texts.priority_class.trim() || undefined);
  take("service_account", texts.service_account.trim() || undefined);
  take(
    "image_pull_secrets",
    readLines(texts.image_pull_secrets, (line) => line),
  );
  return Object.keys(errors).length > 0 ? { errors } : { needs };
}

/** Whether a run has needs. */
export function hasPodNeeds(texts: PodTexts): boolean {
  return FIELDS.some((field) => texts[field].trim() !== "");
}

/** Why a text is not read. */
class Wrong {
  constructor(readonly why: string) {}
}

function readLines<T>(text: string, read: (line: string) => T | Wrong): T[] | Wrong | undefined {
  const found: T[] = [];
  for (const line of text.split(/\r?\n/).map((line) => line.trim())) {
    if (line === "") continue;
    const item = read(line);
    if (item instanceof Wrong) return item;
    found.push(item);
  }
  return found.length === 0 ? undefined : found;
}

function readLabels(text: string): Record<string, string> | Wrong | undefined {
  const read = readNameValues({ text, kept: {} });
  if (typeof read === "string") return new Wrong(read);
  const trimmed = Object.entries(read).map(([name, value]) => [name, value.trim()] as const);
  return trimmed.length === 0 ? undefined : Object.fromEntries(trimmed);
}

function readSecrets(text: string): PodNeeds["env_from_secrets"] | Wrong {
  const read = readLabels(text);
  if (read === undefined || read instanceof Wrong) return read;
  const entries = Object.entries(read).map(([name, of]) => {
    const [secret, key] = splitAt(of, "/");
    return [name, { secret, key }] as const;
  });
  const wrong = entries.find(([, { key }]) => key === undefined)?.[0];
  if (wrong !== undefined) return new Wrong(`must be NAME=SECRET/KEY on each line, as in ${wrong}=hub/token`);
  return Object.fromEntries(entries.map(([name, { secret, key = "" }]) => [name, { secret, key }]));
}

function readVolume(line: string): Volume | Wrong {
  const [name = "", mount_path, source, mode, ...rest] = line.split(":");
  const wrong = () =>
    new Wrong(`must be NAME:PATH:KIND/SOURCE, with :ro for one that is only read, not "${line}"`);
  if (mount_path === undefined || source === undefined) return wrong();
  if ((mode !== undefined && mode !== "ro") || rest.length > 0) return wrong();
  const [kind, of] = splitAt(source, "/");
  const common = { name, mount_path, ...(mode === "ro" ? { read_only: true } : {}) };
  switch (kind) {
    case "pvc":
      return { ...common, pvc: of ?? "" };
    case "config_map":
      return { ...common, config_map: of ?? "" };
    case "secret":
      return { ...common, secret: of ?? "" };
    case "host_path":
      return { ...common, host_path: of === undefined ? "" : `/${of}` };
    case "empty_dir":
      // The server reads a size with its unit too.
      return { ...common, empty_dir: (of === undefined ? {} : { size: of }) as EmptyDir };
    default:
      return new Wrong(`"${kind}" is none of pvc, config_map, secret, host_path and empty_dir`);
  }
}

function volumeText(volume: Volume): string {
  const source = () => {
    if ("pvc" in volume) return `pvc/${volume.pvc}`;
    if ("config_map" in volume) return `config_map/${volume.config_map}`;
    if ("secret" in volume) return `secret/${volume.secret}`;
    // A path begins with the slash.
    if ("host_path" in volume) return `host_path${volume.host_path}`;
    const bytes = volume.empty_dir.size;
    return bytes === undefined ? "empty_dir" : `empty_dir/${size(bytes)}`;
  };
  const mode = volume.read_only === true ? ":ro" : "";
  return `${volume.name}:${volume.mount_path}:${source()}${mode}`;
}

function readToleration(line: string): Toleration {
  const [taint, effect] = splitAt(line, ":");
  const [key, value] = splitAt(taint, "=");
  return {
    key,
    ...(value === undefined ? {} : { value }),
    // The server names the effects that there are.
    ...(effect === undefined ? {} : { effect: effect as Exclude<Toleration["effect"], undefined> }),
  };
}

function tolerationText({ key, value, effect }: Toleration): string {
  return `${key}${value === undefined ? "" : `=${value}`}${effect === undefined ? "" : `:${effect}`}`;
}

/** Splits a text at the first of a character. */
function splitAt(text: string, at: string): [string, string | undefined] {
  const index = text.indexOf(at);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}
