import assert from "node:assert/strict";
import { test } from "node:test";

import { testRun } from "../../api/fixtures";
import { CARDS, cardCurves, labelsOf, runOf, usageOf } from "./usage";

const points = (value: number[]) => ({
  time: Float64Array.from(value, (_, index) => index * 2),
  value: Float64Array.from(value),
});

test("processor time becomes cores, other counters rates in their unit", () => {
  const cpu = usageOf("container_cpu_usage_seconds_total", points([0, 3, 4]));
  assert.deepEqual([cpu.unit, [...cpu.y]], ["cores", [1.5, 0.5]]);
  assert.equal(usageOf("container_fs_reads_bytes_total", points([0])).unit, "bytes/s");
  assert.equal(usageOf("requests_total", points([0])).unit, "number");
  const memory = usageOf("container_memory_usage_bytes", points([5, 6]));
  assert.deepEqual([memory.unit, memory.rate, [...memory.y]], ["bytes", false, [5, 6]]);
});

test("a card leaves out what a pod does not measure", () => {
  const [, , network] = CARDS;
  assert.deepEqual(cardCurves(network.metrics, new Map(), 0), []);
  const known = new Map([["container_network_transmit_bytes_total", points([0, 10])]]);
  const [sent, ...others] = cardCurves(network.metrics, known, 5);
  assert.deepEqual([sent?.label, sent?.color, others.length], ["sent", 6, 0]);
});

test("a pod works for the active run that names it", () => {
  const run = (id: number, pods: string[], finished_at: string | null) =>
    testRun({ id, finished_at }, { pods });
  const runs = [run(1, ["a", "b"], "2026-11-26T00:00:00Z"), run(2, ["a"], null), run(3, ["c"], null)];
  assert.equal(runOf("a", runs)?.id, 2);
  assert.equal(runOf("b", runs), undefined);
});

test("labels are read from their Python literal", () => {
  assert.deepEqual(labelsOf("{'app': 'mlbench', 'it\\'s': 'a\\\\b'}"), [
    ["app", "mlbench"],
    ["it's", "a\\b"],
  ]);
  assert.deepEqual(labelsOf("{}"), []);
});
