import { Fragment } from "preact";
import { useEffect, useState } from "preact/hooks";

import placeholders from "../../../api/placeholders.json";
import { listPods } from "../../../api/pods";
import { keptText } from "../../../lib/name-values";
import { CheckField, SelectField, TextField } from "../../../parts/field";
import type { Errors, Program, StartForm } from "./form";
import { OFFICIAL_IMAGES, officialImage, type OfficialImage } from "./images";

/** What a part of the dialog gets. */
export interface PartProps {
  form: StartForm;
  errors: Errors;
  change: (changes: Partial<StartForm>) => void;
}

// No title has the word of a field: labels are what people and their scripts find a control by.
const PROGRAMS: [Program, string, string][] = [
  ["builtin", "Built-in benchmark", "The server's default program"],
  ["command", "Own program", "Your command on the static workers"],
  ["official", "Official benchmark", "An image of MLBench"],
  ["own", "Own container", "Your image and its command"],
];

/** What the run executes. */
export function ProgramChoice({ form, errors, change }: PartProps) {
  const { program } = form;
  return (
    <>
      <fieldset class="programs">
        <legend>Program</legend>
        {PROGRAMS.map(([value, title, text]) => (
          <label key={value}>
            <input
              type="radio"
              name="program"
              value={value}
              aria-labelledby={`program-${value}`}
              aria-describedby={`program-${value}-text`}
              checked={program === value}
              onChange={() => change({ program: value })}
            />
            <span>
              <strong id={`program-${value}`}>{title}</strong>
              <small id={`program-${value}-text`}>{text}</small>
            </span>
          </label>
        ))}
      </fieldset>
      {program === "official" && (
        <SelectField
          label="Image"
          name="image_name"
          value={form.officialImage}
          options={OFFICIAL_IMAGES.map(({ name, title }) => [name, title] as const)}
          onValue={(name) => change({ officialImage: name })}
          error={errors.image_name}
          help={<Goal image={officialImage(form.officialImage)} light={form.light} />}
        />
      )}
      {program === "own" && (
        <TextField
          label="Image"
          name="custom_image_name"
          value={form.ownImage}
          onValue={(ownImage) => change({ ownImage })}
          error={errors.custom_image_name}
          placeholder="registry.example.com/name:tag"
          code
        />
      )}
      {(program === "own" || program === "command") && (
        <TextField
          label="Command"
          name="custom_image_command"
          value={form.command}
          onValue={(command) => change({ command })}
          error={errors.custom_image_command}
          placeholder="python train.py --rank {rank}"
          help={
            <>
              The server replaces{" "}
              {placeholders.map((name, index) => (
                <Fragment key={name}>
                  {index > 0 && (index === placeholders.length - 1 ? " and " : ", ")}
                  <code>{`{${name}}`}</code>
                </Fragment>
              ))}
              .
            </>
          }
          code
        />
      )}
    </>
  );
}

function Goal({ image, light }: { image: OfficialImage | undefined; light: boolean }) {
  if (image === undefined) return null;
  const { goal, name } = image;
  return (
    <>
      <code>{name}</code>
      <br />
      {goal === undefined ? "No goal" : `Goal: ${goal.metric} ${light ? goal.light : goal.full}`}
    </>
  );
}

/** How much the run gets. */
export function Resources({ form, errors, change }: PartProps) {
  const available = useWorkers();
  return (
    <div class="fields three">
      <TextField
        label="Workers"
        name="num_workers"
        value={form.workers}
        onValue={(workers) => change({ workers })}
        error={errors.num_workers}
        placeholder={available === undefined ? "all" : `all (${available})`}
        inputMode="numeric"
      />
      <TextField
        label="CPUs per worker"
        name="num_cpus"
        value={form.cpus}
        onValue={(cpus) => change({ cpus })}
        error={errors.num_cpus}
        placeholder="no limit"
        inputMode="decimal"
      />
      <TextField
        label="Memory per worker"
        name="memory"
        value={form.memory}
        onValue={(memory) => change({ memory })}
        error={errors.memory}
        placeholder="such as 4Gi"
      />
      <TextField
        label="GPUs per worker"
        name="gpus"
        value={form.gpus}
        onValue={(gpus) => change({ gpus })}
        error={errors.gpus}
        placeholder="none"
        inputMode="numeric"
      />
      <TextField
        label="Time limit"
        name="time_limit"
        value={form.timeLimit}
        onValue={(timeLimit) => change({ timeLimit })}
        error={errors.time_limit}
        placeholder="such as 90m"
      />
      <TextField
        label="Goal"
        name="goal"
        value={form.goal}
        onValue={(goal) => change({ goal })}
        error={errors.goal}
        placeholder="such as val_loss<=0.1"
        help="A metric and the value to reach"
      />
    </div>
  );
}

/** Returns how many workers there are, undefined until it is known. */
function useWorkers(): number | undefined {
  const [count, setCount] = useState<number>();
  useEffect(() => {
    const stop = new AbortController();
    listPods(stop.signal).then(
      (pods) => setCount(pods.length),
      () => undefined,
    );
    return () => stop.abort();
  }, []);
  return count;
}

/** How the workers talk to each other. */
export function Backend({ form, errors, change }: PartProps) {
  return (
    <div class="fields">
      <SelectField
        label="Backend"
        name="backend"
        value={form.backend}
        options={[
          ["", "None"],
          ["mpi", "MPI"],
          ["gloo", "Gloo"],
          ["nccl", "NCCL"],
          ["custom", "Custom"],
        ]}
        onValue={(backend) => change({ backend })}
        error={errors.backend}
      />
      {form.backend === "custom" && (
        <>
          <TextField
            label="Custom backend"
            name="custom_backend"
            value={form.customBackend}
            onValue={(customBackend) => change({ customBackend })}
            error={errors.custom_backend}
          />
          <CheckField
            label="Run on all nodes"
            name="run_all_nodes"
            checked={form.allNodes}
            onChecked={(allNodes) => change({ allNodes })}
            error={errors.run_all_nodes}
            help="Starts the command on every worker, not only the first"
          />
        </>
      )}
    </div>
  );
}

/** What people find the run by, folded unless it has some. */
export function Labels({ form, errors, change }: PartProps) {
  const { text, kept } = form.tags;
  const filled = form.params !== "" || text !== "" || Object.keys(kept).length > 0;
  const [begun] = useState(filled);
  const wrong = errors.params !== undefined || errors.tags !== undefined;
  return (
    <details open={begun || wrong}>
      <summary>Parameters and tags</summary>
      <div class="fields">
        <TextField
          label="Parameters"
          name="params"
          value={form.params}
          onValue={(params) => change({ params })}
          error={errors.params}
          placeholder="lr=0.1"
          help="One per line; the run shows them, but they change nothing in its command"
          rows={3}
          code
        />
        <TextField
          label="Tags"
          name="tags"
          value={text}
          onValue={(changed) => change({ tags: { text: changed, kept } })}
          error={errors.tags}
          placeholder="team=vision"
          help={keptText(form.tags) || "One per line, to find and sort runs by"}
          rows={3}
          code
        />
      </div>
    </details>
  );
}

/** The variables that every rank gets. */
export function Environment({ form, errors, change }: PartProps) {
  const { text, kept } = form.environment;
  return (
    <TextField
      label="Environment"
      name="environment"
      value={text}
      onValue={(changed) => change({ environment: { text: changed, kept } })}
      error={errors.environment}
      placeholder="NAME=VALUE, one per line"
      help={keptText(form.environment) || undefined}
      rows={2}
      code
    />
  );
}

/** The options that the program receives. */
export function Options({ form, errors, change }: PartProps) {
  return (
    <fieldset class="options">
      <legend>Options</legend>
      <CheckField
        label="GPU"
        name="gpu_enabled"
        checked={form.gpu}
        onChecked={(gpu) => change({ gpu })}
        error={errors.gpu_enabled}
      />
      <CheckField
        label="Light goal"
        name="light_target"
        checked={form.light}
        onChecked={(light) => change({ light })}
        error={errors.light_target}
      />
      <CheckField
        label="Stop at the goal"
        name="stop_at_goal"
        checked={form.stopAtGoal}
        onChecked={(stopAtGoal) => change({ stopAtGoal })}
        error={errors.stop_at_goal}
      />
      <CheckField
        label="Horovod"
        name="use_horovod"
        checked={form.horovod}
        onChecked={(horovod) => change({ horovod })}
        error={errors.use_horovod}
      />
    </fieldset>
  );
}
