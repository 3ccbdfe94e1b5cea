import type { ComponentChildren } from "preact";

import type { Run } from "../../api/wire";
import { number } from "../../lib/format";
import { routePath } from "../../lib/route";
import { Link } from "../../parts/link";
import { Copy } from "../../parts/text";

/** With what a run was started, and where it ran. */
export function Details({ run }: { run: Run }) {
  const { job_metadata: job } = run;
  const flags = [
    run.gpu_enabled ? "GPU" : "",
    run.light_target ? "light goal" : "",
    run.use_horovod ? "Horovod" : "",
  ].filter((flag) => flag !== "");
  return (
    <section aria-labelledby="details" class="run-details">
      <h2 id="details">Parameters</h2>
      <div class="command">
        <code dir="ltr">{job.command}</code>
        <Copy text={job.command} what="command" />
      </div>
      <dl class="facts">
        <Fact name="Image">{run.image ?? "None, on the static workers"}</Fact>
        <Fact name="Workers">{run.num_workers}</Fact>
        <Fact name="CPUs per worker">{run.num_cpus === null ? "No limit" : number(run.num_cpus)}</Fact>
        <Fact name="Backend">{run.backend ?? "None"}</Fact>
        <Fact name="Command runs on">{run.run_all_nodes ? "Every worker" : "The first worker"}</Fact>
        {run.max_bandwidth !== null && <Fact name="Bandwidth">{number(run.max_bandwidth)} Mbit/s</Fact>}
        {flags.length > 0 && <Fact name="Options">{flags.join(", ")}</Fact>}
        <Fact name="Job">
          <code>{run.job_id}</code>
        </Fact>
      </dl>
    </section>
  );
}

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
