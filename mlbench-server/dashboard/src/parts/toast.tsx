import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";

import { Button } from "./button";

interface Toast {
  id: number;
  tone: "good" | "bad" | "idle";
  content: ComponentChildren;
}

const toasts = signal<readonly Toast[]>([]);
const spoken = signal("");

/** How many messages are shown at once, and for how long a message stays that is no error, in milliseconds. */
const LIMITS = { shown: 4, stay: 6000 };

let last = 0;

/** Shows a message in a corner of the page; screen readers read it out. An error stays until it is closed. */
export function toast(tone: Toast["tone"], content: ComponentChildren): void {
  const id = ++last;
  toasts.value = [...toasts.peek(), { id, tone, content }].slice(-LIMITS.shown);
  if (tone !== "bad") setTimeout(() => dismiss(id), LIMITS.stay);
}

/** Lets screen readers read a text out, and shows nothing. */
export function announce(text: string): void {
  // The same text twice is no change; a space makes it one.
  spoken.value = text === spoken.peek() ? `${text} ` : text;
}

function dismiss(id: number) {
  toasts.value = toasts.peek().filter((shown) => shown.id !== id);
}

/** Where messages appear. Once on the page, in its frame. */
export function Toasts() {
  return (
    <>
      <div class="toasts" role="status" data-aside>
        {toasts.value.map(({ id, tone, content }) => (
          <div key={id} class={`toast ${tone}`}>
            <div>{content}</div>
            <Button kind="quiet" class="icon" aria-label="Close message" onClick={() => dismiss(id)}>
              <span aria-hidden="true">×</span>
            </Button>
          </div>
        ))}
      </div>
      <div class="unseen" aria-live="polite">
        {spoken}
      </div>
    </>
  );
}
