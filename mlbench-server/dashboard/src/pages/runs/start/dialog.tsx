import { useEffect, useRef, useState } from "preact/hooks";

import { messageOf, Problem } from "../../../api/problem";
import { getRun, startRun, stopRun } from "../../../api/runs";
import { newKey } from "../../../lib/key";
import { navigate, query, setQuery } from "../../../lib/navigation";
import { Button } from "../../../parts/button";
import { Dialog } from "../../../parts/dialog";
import { TextField } from "../../../parts/field";
import { Message } from "../../../parts/message";
import { Backend, Environment, Labels, Options, ProgramChoice, Resources } from "./fields";
import { activeRun, EMPTY, formOf, placeMessage, requestOf, type Errors, type StartForm } from "./form";
import { More } from "./more";

/** What was typed in a dialog that was left without starting a run; it opens with it again. */
let draft: StartForm | undefined;

/** The dialog that starts a run, shown while the query of the address says so. */
export function StartDialog() {
  const again = query.value.get("again");
  if (again !== null) return <StartAgain key={again} id={Number(again)} />;
  return query.value.has("start") ? <StartForm initial={draft ?? EMPTY} /> : null;
}

function close() {
  setQuery({ start: null, again: null });
}

/** Goes to a run. The way back leads to the list without the dialog. */
function leave(id: number) {
  close();
  navigate(`runs/${id}`);
}

/** Reads the run whose parameters the dialog begins with. */
function StartAgain({ id }: { id: number }) {
  const [initial, setInitial] = useState<StartForm>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    const stop = new AbortController();
    getRun(id, 0, stop.signal).then(
      (run) => setInitial(formOf(run)),
      (error: unknown) => {
        if (stop.signal.aborted) return;
        setProblem(`Run ${id} could not be read: ${messageOf(error)}`);
        setInitial(draft ?? EMPTY);
      },
    );
    return () => stop.abort();
  }, [id]);
  return initial === undefined ? null : <StartForm initial={initial} problem={problem} />;
}

function StartForm({ initial, problem }: { initial: StartForm; problem?: string | undefined }) {
  const [form, setForm] = useState(initial);
  const [errors, setErrors] = useState<Errors>({});
  const [failure, setFailure] = useState<unknown>(problem);
  const [busy, setBusy] = useState(false);
  // A second click comes before the render that shows the first.
  const going = useRef(false);
  const element = useRef<HTMLFormElement>(null);
  // A repeat of the same request starts nothing twice; another request is another run.
  const sent = useRef({ body: "", key: "" });

  useEffect(() => {
    if (Object.keys(errors).length === 0) return;
    const wrong = element.current?.querySelector<HTMLElement>("[aria-invalid=true]");
    // A part that the user has folded hides the field, which then cannot have the focus.
    const folded = wrong?.closest("details");
    if (folded) folded.open = true;
    wrong?.focus();
  }, [errors]);

  useEffect(() => {
    if (failure !== undefined) element.current?.querySelector(".dialog-body")?.scrollTo(0, 0);
  }, [failure]);

  const change = (changes: Partial<StartForm>) => {
    draft = { ...form, ...changes };
    setForm(draft);
  };

  const submit = async () => {
    const result = requestOf(form);
    setErrors("errors" in result ? result.errors : {});
    setFailure(undefined);
    if ("errors" in result || going.current) return;
    going.current = true;
    setBusy(true);
    const body = JSON.stringify(result.request);
    if (sent.current.body !== body) sent.current = { body, key: newKey() };
    try {
      const run = await startRun(result.request, sent.current.key);
      draft = undefined;
      leave(run.id);
    } catch (error) {
      going.current = false;
      setBusy(false);
      const field = error instanceof Problem ? error.field : undefined;
      const placed = placeMessage(form, field, messageOf(error));
      if (typeof placed === "string") setFailure(error);
      else setErrors(placed);
    }
  };

  return (
    <Dialog title="Start run" onClose={close} class="start">
      <form
        ref={element}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div class="dialog-body">
          {failure !== undefined && <Refusal error={failure} onStopped={() => void submit()} />}
          <TextField
            label="Name"
            name="name"
            value={form.name}
            onValue={(name) => change({ name })}
            error={errors.name}
            maxLength={100}
            required
            autoFocus
          />
          <ProgramChoice {...{ form, errors, change }} />
          <Resources {...{ form, errors, change }} />
          <Backend {...{ form, errors, change }} />
          <Environment {...{ form, errors, change }} />
          <Options {...{ form, errors, change }} />
          <Labels {...{ form, errors, change }} />
          <More {...{ form, errors, change }} />
        </div>
        <footer>
          <Button onClick={close}>Cancel</Button>
          <Button kind="primary" type="submit" busy={busy}>
            {busy ? "Starting …" : "Start run"}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

/** Why no run was started, and what to do about it. */
function Refusal({ error, onStopped }: { error: unknown; onStopped: () => void }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const active =
    error instanceof Problem && error.code === "run_active" ? activeRun(error.message) : undefined;
  const stop = (id: number) => {
    setBusy(true);
    stopRun(id).then(onStopped, (failed: unknown) => {
      setBusy(false);
      setProblem(messageOf(failed));
    });
  };
  return (
    <Message tone="bad">
      <p>{problem ?? messageOf(error)}</p>
      {active !== undefined && (
        <div class="actions">
          <Button onClick={() => leave(active)}>Show run {active}</Button>
          <Button busy={busy} onClick={() => stop(active)}>
            Stop run {active} and start this one
          </Button>
        </div>
      )}
    </Message>
  );
}
