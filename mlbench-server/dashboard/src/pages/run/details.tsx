import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import type { Run, Volume } from "../../api/wire";
import { duration, number, size } from "../../lib/format";
import { goalText } from "../../lib/goal";
import { routePath } from "../../lib/route";
import { Link } from "../../parts/link";
import { workersOf } from "../../parts/state";
import { Ago, Copy } from "../../parts/text";

/** With what a run was started, and where it ran. */
export function Details({ run }: { run: Run }) {
  const { job_metadata: job, external = false, imported_from: from } = run;
  const workers = workersOf(run);
  const flags = [
    run.gpu_enabled ? "GPU" : "",
    run.light_target ? "light goal" : "",
    run.use_horovod ? "Horovod" : "",
  ].filter((flag) => flag !== "");
  const secrets = Object.fromEntries(
    Object.entries(run.env_from_secrets ?? {}).map(([name, { secret, key }]) => [name, `${secret}/${key}`]),
  );
  const volumes = Object.fromEntries(
    (run.volumes ?? []).map((volume) => [volume.mount_path, sourceOf(volume)]),
  );
  return (
    <section aria-labelledby="details" class="run-details">
      <h2 id="details">Parameters</h2>
      {job.command !== "" && (
        <div class="command">
          <code dir="ltr">{job.command}</code>
          <Copy text={job.command} what="command" />
        </div>
      )}
      <dl class="facts">
        {from !== undefined && (
          <Fact name="Imported from">
            Run {from.run_id} of server <code dir="ltr">{from.server}</code>
            {from.host !== "" && ` on ${from.host}`}, <Ago date={from.imported_at} />
          </Fact>
        )}
        {external && <Fact name="Executes">Elsewhere, and reports to this server</Fact>}
        {(!external || run.image !== null) && (
          <Fact name="Image">{run.image ?? "None, on the static workers"}</Fact>
        )}
        {workers !== undefined && <Fact name="Workers">{workers}</Fact>}
        {(!external || run.num_cpus !== null) && (
          <Fact name="CPUs per worker">{run.num_cpus === null ? "No limit" : number(run.num_cpus)}</Fact>
        )}
        {(!external || run.backend !== null) && <Fact name="Backend">{run.backend ?? "None"}</Fact>}
        {!external && (
          <Fact name="Command runs on">{run.run_all_nodes ? "Every worker" : "The first worker"}</Fact>
        )}
        {run.memory !== undefined && <Fact name="Memory per worker">{size(run.memory)}</Fact>}
        {run.shm_size !== undefined && <Fact name="Shared memory per worker">{size(run.shm_size)}</Fact>}
        {run.gpus !== undefined && <Fact name="GPUs per worker">{run.gpus}</Fact>}
        {run.time_limit !== undefined && <Fact name="Time limit">{duration(run.time_limit * 1000)}</Fact>}
        {run.goal !== undefined && (
          <Fact name="Goal">
            <code dir="ltr">{goalText(run.goal)}</code>
            {run.stop_at_goal === true && ", which ends the run"}
          </Fact>
        )}
        {run.state === "FINISHED" && job.reason !== null && <Fact name="Ended by">{job.reason}</Fact>}
        {run.working_dir !== undefined && (
          <Fact name="Working directory">
            <code dir="ltr">{run.working_dir}</code>
          </Fact>
        )}
        {run.max_bandwidth !== null && <Fact name="Bandwidth">{number(run.max_bandwidth)} Mbit/s</Fact>}
        {flags.length > 0 && <Fact name="Options">{flags.join(", ")}</Fact>}
        {!external && (
          <Fact name="Job">
            <code>{run.job_id}</code>
          </Fact>
        )}
      </dl>
      <Given title="Named parameters" values={run.params ?? {}} typed />
      <Given title="Environment" values={run.environment} />
      <Given title="Environment from Secrets" values={secrets} />
      <Given title="Volumes" values={volumes} />
      <Given title="Labels of nodes" values={run.node_selector ?? {}} />
    </section>
  );
}

/** Returns what a volume holds, as the command line writes it: `pvc/datasets`. */
function sourceOf(volume: Volume): string {
  const end = volume.read_only === true ? ":ro" : "";
  if ("pvc" in volume) return `pvc/${volume.pvc}${end}`;
  if ("config_map" in volume) return `config_map/${volume.config_map}${end}`;
  if ("secret" in volume) return `secret/${volume.secret}${end}`;
  if ("host_path" in volume) return `host_path${volume.host_path}${end}`;
  const limit = volume.empty_dir.size;
  return limit === undefined ? "empty_dir" : `empty_dir/${size(limit)}`;
}

/** How many values are shown at first. */
const FEW = 40;

/** Values by name, in a table. */
function Given(props: { title: string; values: Readonly<Record<string, Param>>; typed?: boolean }) {
  const { title, values, typed = false } = props;
  const [all, setAll] = useState(false);
  const entries = Object.entries(values);
  if (entries.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <table class="pods">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Value</th>
            {typed && <th scope="col">Type</th>}
          </tr>
        </thead>
        <tbody>
          {entries.slice(0, all ? entries.length : FEW).map(([name, value]) => (
            <tr key={name}>
              <th scope="row" dir="auto">
                {name}
              </th>
              <td dir="auto">{value === "" ? <i>empty</i> : String(value)}</td>
              {typed && <td>{typeof value === "string" ? "text" : typeof value}</td>}
            </tr>
          ))}
        </tbody>
      </table>
      {!all && entries.length > FEW && (
        <button type="button" class="button plain" onClick={() => setAll(true)}>
          Show all {entries.length}
        </button>
      )}
    </>
  );
}

type Param = string | number | boolean;

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The pods of a run by rank, with the exit codes of their commands. */
export function Pods({ run }: { run: Run }) {
  const { pods, exit_codes } = run.job_metadata;
  if (pods.length === 0) return null;
  return (
    <table class="pods">
      <thead>
        <tr>
          <th scope="col">Rank</th>
          <th scope="col">Worker</th>
          <th scope="col">Exit code</th>
        </tr>
      </thead>
      <tbody>
        {pods.map((pod, rank) => (
          <tr key={rank}>
            <td>{rank}</td>
            <td>
              <Link to={routePath({ page: "worker", pod })}>{pod}</Link>
            </td>
            <td>{exitText(run, exit_codes[String(rank)], rank)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function exitText(run: Run, code: number | undefined, rank: number) {
  if (code === undefined) return rank > 0 && !run.run_all_nodes ? "No command" : "–";
  return <span class={code === 0 ? "" : "exit-bad"}>{code}</span>;
}
