import { signal } from "@preact/signals";

/** Whether the page hears of changes: it waits for the first time, it hears, or the server went away. */
export const connection = signal<"connecting" | "open" | "lost">("connecting");
