import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

import { Button } from "./button";
import { focusAt, hold, release } from "./focus";

/** What a dialog shows, and what happens when it is left without an action. */
export interface DialogProps {
  title: string;
  /** Called for Escape and the close button; the owner then removes the dialog. */
  onClose: () => void;
  class?: string;
  children: ComponentChildren;
}

/** A modal dialog for as long as it is rendered. The focus returns to where it was. */
export function Dialog({ title, onClose, children, ...rest }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useLayoutEffect(() => {
    const dialog = ref.current;
    const before = hold(document.activeElement);
    dialog?.showModal();
    return () => {
      dialog?.close();
      focusAt(before);
      release(before);
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={`dialog ${rest.class ?? ""}`}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header>
        <h2 id={heading}>{title}</h2>
        <Button kind="quiet" class="icon" aria-label="Close" onClick={onClose}>
          <span aria-hidden="true">×</span>
        </Button>
      </header>
      {children}
    </dialog>
  );
}
