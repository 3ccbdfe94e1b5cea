import assert from "node:assert/strict";
import { test } from "node:test";

import { testRun } from "../../../api/fixtures";
import type { RunRequest } from "../../../api/runs";
import type { Run } from "../../../api/wire";
import { nameValues } from "../../../lib/name-values";
import { activeRun, EMPTY, formOf, placeMessage, requestOf, type StartForm } from "./form";
import { OFFICIAL_IMAGES, officialImage } from "./images";

const GOAL = { metric: "val_loss", direction: "at_most", value: 0.1 } as const;

function request(changes: Partial<StartForm>): RunRequest {
  const result = requestOf({ ...EMPTY, name: "x", ...changes });
  assert.ok("request" in result, JSON.stringify(result));
  return result.request;
}

function errors(changes: Partial<StartForm>): string[] {
  const result = requestOf({ ...EMPTY, name: "x", ...changes });
  return "errors" in result ? Object.keys(result.errors) : [];
}

test("a name is enough", () => {
  assert.deepEqual(request({ name: " first " }), { name: "first" });
});

test("only the fields of the chosen program are sent", () => {
  const typed = {
    command: "python x.py",
    ownImage: "busybox",
    officialImage: "mlbench/pytorch-backend-benchmark",
  };
  assert.deepEqual(request({ ...typed, program: "builtin" }), { name: "x" });
  assert.deepEqual(request({ ...typed, program: "command" }), {
    name: "x",
    custom_image_command: "python x.py",
  });
  assert.deepEqual(request({ ...typed, program: "official" }), {
    name: "x",
    image_name: "mlbench/pytorch-backend-benchmark",
  });
  assert.deepEqual(request({ ...typed, program: "own" }), {
    name: "x",
    image_name: "custom_image",
    custom_image_name: "busybox",
    custom_image_command: "python x.py",
  });
});

test("a custom backend is sent with its name and where it starts", () => {
  assert.deepEqual(request({ backend: "mpi", customBackend: "ring", allNodes: true }), {
    name: "x",
    backend: "mpi",
  });
  assert.deepEqual(request({ backend: "custom", customBackend: "ring", allNodes: true }), {
    name: "x",
    backend: "custom_backend",
    custom_backend: "ring",
    run_all_nodes: true,
  });
});

test("numbers are sent as numbers, and the server judges their range", () => {
  assert.deepEqual(request({ workers: "0", cpus: "1,5", bandwidth: " 10,000 " }), {
    name: "x",
    num_workers: 0,
    num_cpus: 1.5,
    max_bandwidth: 10_000,
  });
  assert.deepEqual(errors({ workers: "two", cpus: "1 core" }), ["num_workers", "num_cpus"]);
});

test("what is missing is said before anything is sent", () => {
  assert.deepEqual(errors({ name: " " }), ["name"]);
  assert.deepEqual(errors({ program: "command", command: " " }), ["custom_image_command"]);
});

function run(changes: Partial<Run>, command = "train --lr 1"): Run {
  return testRun({ name: "x", num_workers: 4, ...changes }, { command });
}

/** What a run can ask of its pods, but for a size, which is sent with its unit. */
const PODS = {
  env_from_secrets: { TOKEN: { secret: "hub", key: "token" } },
  volumes: [
    { name: "d", mount_path: "/d", read_only: true, pvc: "sets" },
    { name: "c", mount_path: "/c", config_map: "train" },
    { name: "s", mount_path: "/s", secret: "hub" },
    { name: "h", mount_path: "/h", host_path: "/mnt/a b" },
    { name: "e", mount_path: "/e", empty_dir: {} },
  ],
  node_selector: { "example.com/gpu": "a100", empty: "" },
  tolerations: [
    { key: "a" },
    { key: "b", value: "" },
    { key: "c", value: "1", effect: "NoSchedule" },
    { key: "d", effect: "NoExecute" },
  ],
  priority_class: "low",
  service_account: "trainer",
  image_pull_secrets: ["hub", "mirror"],
} satisfies Partial<Run>;

test("what pods need is typed as on the command line", () => {
  const texts = formOf(run(PODS)).pods;
  assert.equal(texts.env_from_secrets, "TOKEN=hub/token");
  assert.equal(
    texts.volumes,
    "d:/d:pvc/sets:ro\nc:/c:config_map/train\ns:/s:secret/hub\nh:/h:host_path/mnt/a b\ne:/e:empty_dir",
  );
  assert.equal(texts.tolerations, "a\nb=\nc=1:NoSchedule\nd:NoExecute");
  const volume = { name: "e", mount_path: "/e", empty_dir: { size: 2 ** 30 } };
  const again = formOf(run({ volumes: [volume] })).pods;
  assert.equal(again.volumes, "e:/e:empty_dir/1Gi");
  assert.deepEqual(request({ pods: again }).volumes, [{ ...volume, empty_dir: { size: "1Gi" } }]);
});

test("a line of another form is named beside its field", () => {
  const wrong = {
    ...EMPTY.pods,
    env_from_secrets: "TOKEN=hub",
    volumes: "\n d:/d:pvc/x\n/data",
    node_selector: "gpu",
  };
  const result = requestOf({ ...EMPTY, name: "x", pods: wrong });
  assert.ok("errors" in result);
  assert.deepEqual(result.errors, {
    env_from_secrets: "must be NAME=SECRET/KEY on each line, as in TOKEN=hub/token",
    volumes: 'must be NAME:PATH:KIND/SOURCE, with :ro for one that is only read, not "/data"',
    node_selector: 'must be NAME=VALUE on each line, not "gpu"',
  });
  const kind = requestOf({ ...EMPTY, name: "x", pods: { ...EMPTY.pods, volumes: "d:/d:nfs/x" } });
  assert.ok("errors" in kind && kind.errors.volumes?.startsWith('"nfs" is none of pvc'));
});

test("a run started again has the same parameters", () => {
  const official = "/conda/bin/python /codes/main.py --run_id {run_id} --rank {rank} --light";
  const name = "mlbench/pytorch-cifar10-resnet20-all-reduce";
  assert.equal(OFFICIAL_IMAGES[0]?.name, name);
  const cases: [Run, Partial<RunRequest>][] = [
    [
      run({
        memory: 3 * 2 ** 30,
        shm_size: 2 ** 20,
        gpus: 2,
        time_limit: 1.5,
        goal: GOAL,
        stop_at_goal: true,
        working_dir: "/d",
      }),
      {
        custom_image_command: "train --lr 1",
        memory: "3Gi",
        shm_size: "1Mi",
        gpus: 2,
        time_limit: "1.5s",
        goal: "val_loss<=0.1",
        stop_at_goal: true,
        working_dir: "/d",
      },
    ],
    [run(PODS), { custom_image_command: "train --lr 1", ...PODS }],
    [
      run({ backend: "gloo", num_cpus: 0.5, environment: { LR: "0.1" } }),
      {
        custom_image_command: "train --lr 1",
        backend: "gloo",
        num_cpus: 0.5,
        environment: { LR: "0.1" },
      },
    ],
    [
      run({ image: `${name}:latest`, light_target: true }, official),
      { image_name: name, light_target: true },
    ],
    [
      run({ image: `${name}:latest` }, "sh"),
      { image_name: "custom_image", custom_image_name: `${name}:latest`, custom_image_command: "sh" },
    ],
    [
      run({ image: "a/b:1", backend: "ring", run_all_nodes: false }),
      {
        image_name: "custom_image",
        custom_image_name: "a/b:1",
        custom_image_command: "train --lr 1",
        backend: "custom_backend",
        custom_backend: "ring",
        run_all_nodes: false,
      },
    ],
  ];
  for (const [before, expected] of cases) {
    assert.deepEqual(request(formOf(before)), { name: "x", num_workers: 4, ...expected });
  }
});

test("a message is beside its field if the dialog shows it", () => {
  const message = "num_workers: 9 requested, 8 available; request at most 8";
  assert.deepEqual(placeMessage(EMPTY, "num_workers", message), {
    num_workers: "9 requested, 8 available; request at most 8",
  });
  assert.deepEqual(placeMessage(EMPTY, "volumes", "volumes: item 0: pvc: missing"), {
    volumes: "item 0: pvc: missing",
  });
  assert.equal(
    placeMessage(EMPTY, "custom_image_command", "custom_image_command: missing"),
    "custom_image_command: missing",
  );
  assert.equal(placeMessage(EMPTY, undefined, "the server does not respond"), "the server does not respond");
});

test("a refusal names the active run", () => {
  assert.equal(activeRun('run 12 "x" is active (STARTED); stop it or wait until it ends'), 12);
  assert.equal(activeRun("the server does not respond"), undefined);
});

test("an official image is found with and without its tag", () => {
  for (const image of OFFICIAL_IMAGES) assert.equal(officialImage(`${image.name}:latest`), image);
  assert.equal(officialImage("mlbench/tensorflow-cifar10-resnet:1.0"), undefined);
});

test("each line of the environment is a variable", () => {
  const read = (text: string) => requestOf({ ...EMPTY, name: "x", environment: { text, kept: {} } });
  assert.deepEqual(read("A=1\r\n\n  B= x = y \nC="), {
    request: { name: "x", environment: { A: "1", B: " x = y ", C: "" } },
  });
  assert.deepEqual(read("A=1\nHOME"), {
    errors: { environment: 'must be NAME=VALUE on each line, not "HOME"' },
  });
  assert.deepEqual(read("A=1\nA=2"), { errors: { environment: '"A" is there twice; remove one' } });
});

test("variables with several lines outlive the text of the dialog", () => {
  const variables = { A: "1", B: "first\nsecond", __proto__x: "é=" };
  assert.deepEqual(nameValues(variables), { text: "A=1\n__proto__x=é=", kept: { B: "first\nsecond" } });
  assert.deepEqual(request(formOf(run({ environment: variables }))).environment, variables);
});

test("parameters and tags go along, also when a run is started again", () => {
  const form = {
    ...EMPTY,
    name: "x",
    params: "lr=0.1\nmodel=resnet",
    tags: { text: "team=vision", kept: {} },
  };
  const labels = { params: { lr: 0.1, model: "resnet" }, tags: { team: "vision" } };
  assert.deepEqual(requestOf(form), { request: { name: "x", ...labels } });
  assert.deepEqual(requestOf({ ...form, params: "lr" }), {
    errors: { params: 'must be NAME=VALUE on each line, not "lr"' },
  });
  const again = request(formOf(run({ ...labels, tags: { ...labels.tags, "mlflow.user": "rita" } })));
  assert.deepEqual([again.params, again.tags], [labels.params, labels.tags]);
  assert.deepEqual(placeMessage(EMPTY, "tags", 'tags: "" has 0 characters'), { tags: '"" has 0 characters' });
});
