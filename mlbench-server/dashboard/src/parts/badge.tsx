import type { ComponentChildren } from "preact";

import type { PodPhase } from "../api/wire";
import { stateWord, type Stateful } from "./state";

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

const STATES: Record<string, Tone> = {
  INITIALIZED: "warn",
  STARTED: "live",
  FINISHED: "good",
  FAILED: "bad",
  STOPPED: "idle",
};

/** The state of a run. */
export function StateBadge({ run }: { run: Stateful }) {
  return <Badge tone={STATES[run.state] ?? "idle"}>{stateWord(run)}</Badge>;
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
