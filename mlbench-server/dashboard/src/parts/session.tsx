import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { getSession, signOut } from "../api/session";
import { Button } from "./button";

const signedIn = signal(false);

/** The button that signs out, where the server requires a token. */
export function SignOut() {
  useEffect(() => {
    getSession().then(
      ({ signed_in }) => (signedIn.value = signed_in),
      () => undefined,
    );
  }, []);
  if (!signedIn.value) return null;
  return (
    <Button
      onClick={() => {
        signOut().then(
          () => location.reload(),
          () => undefined,
        );
      }}
    >
      Sign out
    </Button>
  );
}
