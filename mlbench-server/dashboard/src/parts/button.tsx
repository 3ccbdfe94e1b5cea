import type { ButtonHTMLAttributes, ComponentChildren } from "preact";

/** A button with its weight: one `primary` per view, `danger` for what destroys, `quiet` inside tables and bars. */
export interface ButtonProps extends Omit<ButtonHTMLAttributes, "size" | "class"> {
  kind?: "primary" | "plain" | "danger" | "quiet";
  /** Whether its action goes on; it stays focusable and does nothing meanwhile. */
  busy?: boolean;
  class?: string;
  children: ComponentChildren;
}

/** A button that acts on the page. */
export function Button({ kind = "plain", busy = false, children, onClick, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      class={`button ${kind} ${rest.class ?? ""}`}
      aria-busy={busy || undefined}
      aria-disabled={busy || undefined}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.call(event.currentTarget, event);
      }}
    >
      {children}
    </button>
  );
}
