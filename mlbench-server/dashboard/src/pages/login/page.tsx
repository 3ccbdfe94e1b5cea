import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { messageOf, Problem } from "../../api/problem";
import { getSession, signIn } from "../../api/session";
import { useTitle } from "../../lib/title";
import { Button } from "../../parts/button";
import { TextField } from "../../parts/field";

/** The form for the token of the server, in the place of every page. */
export function LoginPage() {
  useTitle("Sign in");
  const token = useSignal("");
  const refusal = useSignal<unknown>(undefined);
  const busy = useSignal(false);
  useEffect(signedInElsewhere, []);
  const submit = async () => {
    busy.value = true;
    try {
      await signIn(token.value);
      // Everything that was refused is read anew, also the event stream.
      location.reload();
    } catch (error) {
      refusal.value = error;
      busy.value = false;
    }
  };
  return (
    <main class="login">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy.value) void submit();
        }}
      >
        <h1>Sign in to mlbench</h1>
        <TextField
          label="Token"
          name="token"
          secret
          autoFocus
          required
          value={token.value}
          error={refusal.value === undefined ? undefined : messageOf(refusal.value)}
          help={isWrong(refusal.value) ? undefined : <TokenHelp />}
          onValue={(value) => (token.value = value)}
        />
        <Button type="submit" kind="primary" busy={busy.value}>
          Sign in
        </Button>
      </form>
    </main>
  );
}

/** Whether the server refused the token: its message then says what the help says. */
function isWrong(refusal: unknown): boolean {
  return refusal instanceof Problem && refusal.status === 401;
}

function TokenHelp() {
  return (
    <>
      The token of this server: the content of the file that <code class="flag">--token-file</code> names.
    </>
  );
}

/** Shows the page once another tab has signed in. */
function signedInElsewhere() {
  const ask = () => {
    if (document.visibilityState === "hidden") return;
    getSession().then(
      ({ signed_in }) => {
        if (signed_in) location.reload();
      },
      () => undefined,
    );
  };
  document.addEventListener("visibilitychange", ask);
  return () => document.removeEventListener("visibilitychange", ask);
}
