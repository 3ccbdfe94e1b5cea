import { needsToken } from "./access";
import { send, sendJson } from "./request";
import type { Session, SignIn } from "./wire";

/** Reads whether the server requires a token and this browser is signed in. */
export async function getSession(): Promise<Session> {
  const session = await sendJson<Session>("api/session/");
  needsToken.value = session.required && !session.signed_in;
  return session;
}

/** Signs this browser in with the token of the server. */
export async function signIn(token: string): Promise<void> {
  const body: SignIn = { token };
  await send("api/session/", { method: "POST", body });
}

/** Signs this browser out. */
export async function signOut(): Promise<void> {
  await send("api/session/", { method: "DELETE" });
}
