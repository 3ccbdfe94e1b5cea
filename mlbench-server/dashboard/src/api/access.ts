import { signal } from "@preact/signals";

/** Whether the server refuses this browser until somebody signs in. */
export const needsToken = signal(false);
