import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { messageOf } from "../api/problem";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { Message } from "./message";

/** What a confirmation says and does. */
export interface ConfirmProps {
  title: string;
  /** Names what the action concerns. */
  children: ComponentChildren;
  /** The words of the button that acts. */
  action: string;
  danger?: boolean;
  /** Acts; the confirmation closes when it resolves, and shows the message when it rejects. */
  onConfirm: () => Promise<void>;
  onClose: () => void;
}

/** Asks before something that cannot be undone. */
export function Confirm({ title, children, action, danger = false, onConfirm, onClose }: ConfirmProps) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const confirm = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await onConfirm();
      onClose();
    } catch (error) {
      setProblem(messageOf(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose} class="confirm">
      <div class="dialog-body">
        {problem !== undefined && <Message tone="bad">{problem}</Message>}
        {children}
      </div>
      <footer>
        <Button autofocus onClick={onClose}>
          Cancel
        </Button>
        <Button kind={danger ? "danger" : "primary"} busy={busy} onClick={() => void confirm()}>
          {action}
        </Button>
      </footer>
    </Dialog>
  );
}
