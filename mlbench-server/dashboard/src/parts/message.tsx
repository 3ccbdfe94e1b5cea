import type { ComponentChildren } from "preact";

import { messageOf } from "../api/problem";
import { Button } from "./button";

/** A message about the view around it; errors are read out at once. */
export function Message({ tone, children }: { tone: "bad" | "warn" | "idle"; children: ComponentChildren }) {
  return (
    <div class={`message ${tone}`} role={tone === "bad" ? "alert" : undefined}>
      {children}
    </div>
  );
}

/** A view that has nothing to show, with what to do next. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <section class="empty">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** A view that could not be read, with the words of the server and a way to try again. */
export function Failure({ what, error, onRetry }: { what: string; error: unknown; onRetry?: () => void }) {
  return (
    <Message tone="bad">
      <p>
        {what}: {messageOf(error)}
      </p>
      {onRetry !== undefined && <Button onClick={onRetry}>Try again</Button>}
    </Message>
  );
}

/** Replaces a view that is being read. */
export function Loading({ what }: { what: string }) {
  return (
    <p class="loading" role="status">
      Reading {what} …
    </p>
  );
}
