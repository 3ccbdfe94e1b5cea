import { useState } from "preact/hooks";

import { TextField } from "../../../parts/field";
import type { PartProps } from "./fields";
import { hasPodNeeds, type PodField } from "./pods";

/** The fields about pods, with their labels, examples and what a person must know. */
const PODS: readonly [PodField, string, string, string?][] = [
  ["env_from_secrets", "Variables from Secrets", "NAME=SECRET/KEY, one per line"],
  ["volumes", "Volumes", "data:/data:pvc/sets:ro", "NAME:PATH:KIND/SOURCE, one per line"],
  ["node_selector", "Node selector", "LABEL=VALUE, one per line"],
  ["tolerations", "Tolerations", "KEY=VALUE:EFFECT, one per line"],
  ["image_pull_secrets", "Pull Secrets", "Names, one per line"],
];

/** What few runs need, folded unless the run has some of it. */
export function More({ form, errors, change }: PartProps) {
  const { pods } = form;
  const filled = form.shm !== "" || form.workingDir !== "" || form.bandwidth !== "" || hasPodNeeds(pods);
  const [begun] = useState(filled);
  const own = [...PODS.map(([field]) => field), "priority_class", "service_account"] as const;
  const wrong = [...own, "shm_size", "working_dir", "max_bandwidth"] as const;
  const short = { form, errors, change };
  return (
    <details open={begun || wrong.some((field) => errors[field] !== undefined)}>
      <summary>More</summary>
      <div class="fields three">
        <TextField
          label="Shared memory"
          name="shm_size"
          value={form.shm}
          onValue={(shm) => change({ shm })}
          error={errors.shm_size}
          placeholder="half of the memory"
          help="Size of /dev/shm per worker"
        />
        <TextField
          label="Working directory"
          name="working_dir"
          value={form.workingDir}
          onValue={(workingDir) => change({ workingDir })}
          error={errors.working_dir}
          placeholder="that of the worker"
        />
        <TextField
          label="Max bandwidth (Mbit/s)"
          name="max_bandwidth"
          value={form.bandwidth}
          onValue={(bandwidth) => change({ bandwidth })}
          error={errors.max_bandwidth}
          placeholder="no limit"
          help="Stored, not enforced"
          inputMode="decimal"
        />
      </div>
      <fieldset class="start-pods">
        <legend>Pods</legend>
        <p class="hint">
          For runs with a container image on Kubernetes. The operator allows what a run uses by name.
        </p>
        <div class="fields">
          <PodName {...short} field="priority_class" label="Priority class" />
          <PodName {...short} field="service_account" label="Service account" />
          {PODS.map(([field, label, placeholder, help]) => (
            <TextField
              key={field}
              label={label}
              name={field}
              value={pods[field]}
              onValue={(text) => change({ pods: { ...pods, [field]: text } })}
              error={errors[field]}
              placeholder={placeholder}
              help={help}
              rows={2}
              code
            />
          ))}
        </div>
      </fieldset>
    </details>
  );
}

function PodName(props: PartProps & { field: "priority_class" | "service_account"; label: string }) {
  const { form, errors, change, field, label } = props;
  return (
    <TextField
      label={label}
      name={field}
      value={form.pods[field]}
      onValue={(text) => change({ pods: { ...form.pods, [field]: text } })}
      error={errors[field]}
      placeholder="default"
    />
  );
}
