import { useState } from "preact/hooks";

import { messageOf, Problem } from "../../api/problem";
import { changeTags } from "../../api/runs";
import type { Run } from "../../api/wire";
import { keptText, nameValues, readNameValues } from "../../lib/name-values";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { TextField } from "../../parts/field";
import { Message } from "../../parts/message";
import { tagChanges } from "./tag-changes";

/** The dialog that changes the tags of a run. */
export function TagsDialog(props: { run: Run; onSaved: (run: Run) => void; onClose: () => void }) {
  const { run, onSaved, onClose } = props;
  // The tags as they were when the dialog opened: what somebody else changes meanwhile stays.
  const [before] = useState(run.tags ?? {});
  const [form, setForm] = useState(nameValues(before));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const save = async () => {
    const read = readNameValues(form);
    setError(typeof read === "string" ? read : undefined);
    setProblem(undefined);
    if (typeof read === "string" || busy) return;
    const changes = tagChanges(before, read);
    if (Object.keys(changes).length === 0) {
      onClose();
      return;
    }
    setBusy(true);
    try {
      onSaved(await changeTags(run.id, changes));
      onClose();
    } catch (failed) {
      setBusy(false);
      if (failed instanceof Problem && failed.field === "tags")
        setError(failed.message.slice("tags: ".length));
      else setProblem(messageOf(failed));
    }
  };
  return (
    <Dialog title={`Tags of run ${run.id}`} onClose={onClose} class="confirm">
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <div class="dialog-body">
          {problem !== undefined && <Message tone="bad">{problem}</Message>}
          <TextField
            label="Tags"
            name="tags"
            value={form.text}
            onValue={(text) => setForm({ ...form, text })}
            error={error}
            placeholder={"team=vision\nexperiment=learning rates"}
            help={["One NAME=VALUE per line; a line that you remove removes its tag", keptText(form)]
              .filter(Boolean)
              .join(". ")}
            rows={6}
            code
            autoFocus
          />
        </div>
        <footer>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={busy}>
            Save tags
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
