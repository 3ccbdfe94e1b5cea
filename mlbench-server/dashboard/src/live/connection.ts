import { signal, type ReadonlySignal } from "@preact/signals";

/** Whether changes arrive by themselves. */
export type Connection =
  | { state: "connecting" }
  | { state: "live" }
  /** `since` in milliseconds since 1970; `polling` if the server has no events and the page asks now and then. */
  | { state: "lost"; since: number; polling: boolean };

const current = signal<Connection>({ state: "connecting" });

/** The state of the connection to the server, the same in all tabs. */
export const connection: ReadonlySignal<Connection> = current;

/** Changes the state; only the live part of the page calls it. */
export function setConnection(next: Connection): void {
  const last = current.peek();
  const same =
    last.state === next.state &&
    (last.state !== "lost" || next.state !== "lost" || last.polling === next.polling);
  if (!same) current.value = next;
}
