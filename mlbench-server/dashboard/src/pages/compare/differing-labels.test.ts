import assert from "node:assert/strict";
import { test } from "node:test";

import { testRun } from "../../api/fixtures";
import { differingLabels } from "./differing-labels";

test("only what differs is listed, parameters before tags", () => {
  const hostile = JSON.parse('{"__proto__": "x", "lr": 0.1, "model": "resnet"}') as Record<string, string>;
  const runs = [
    testRun({ id: 1, params: hostile, tags: { team: "vision", "mlflow.user": "rita" } }),
    testRun({ id: 2, params: { lr: "0.1", model: "resnet" }, tags: { team: "speech" } }),
    testRun({ id: 3, params: { lr: 0.2, model: "resnet" } }),
  ];
  assert.deepEqual(differingLabels(runs), {
    labels: [
      { kind: "param", name: "__proto__", values: ["x", undefined, undefined] },
      { kind: "param", name: "lr", values: ["0.1", "0.1", "0.2"] },
      { kind: "tag", name: "team", values: ["vision", "speech", undefined] },
    ],
    equal: 1,
  });
  assert.deepEqual(differingLabels(runs.slice(0, 1)), { labels: [], equal: 4 });
  assert.deepEqual(differingLabels([]), { labels: [], equal: 0 });
});
