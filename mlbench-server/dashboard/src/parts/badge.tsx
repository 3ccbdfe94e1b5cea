import type { ComponentChildren } from "preact";

import type { PodPhase, Run } from "../api/wire";

/** The meaning of a badge, shown by colour and by the shape of its mark. */
export type Tone = "good" | "bad" | "warn" | "idle" | "live";

/** A word with a coloured mark. The word says it all; the colour helps to find it. */
export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class={`badge ${tone}`}>
      <span class="mark" aria-hidden="true" />
      {children}
    </span>
  );
}

const STATES: Record<string, [Tone, string]> = {
  INITIALIZED: ["warn", "Initialized"],
  STARTED: ["live", "Started"],
  FINISHED: ["good", "Finished"],
  FAILED: ["bad", "Failed"],
  STOPPED: ["idle", "Stopped"],
};

/** Returns the word for the state of a run. A newer server may send states that this page does not know. */
export function stateWord(run: Pick<Run, "state" | "queue_position">): string {
  return run.queue_position === undefined ? (STATES[run.state]?.[1] ?? run.state) : "Queued";
}

/** The state of a run. */
export function StateBadge({ run }: { run: Pick<Run, "state" | "queue_position"> }) {
  const tone = run.queue_position === undefined ? (STATES[run.state]?.[0] ?? "idle") : "warn";
  return <Badge tone={tone}>{stateWord(run)}</Badge>;
}

const PHASES: Record<string, Tone> = {
  Pending: "warn",
  Running: "live",
  Succeeded: "good",
  Failed: "bad",
};

/** The phase of a pod. */
export function PhaseBadge({ phase }: { phase: PodPhase }) {
  return <Badge tone={PHASES[phase] ?? "idle"}>{phase}</Badge>;
}
