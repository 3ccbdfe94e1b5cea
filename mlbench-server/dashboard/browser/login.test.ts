// A server with a token: signing in, wrong tokens, signing out.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Stage } from "./stage";

const TOKEN = "correct-horse-battery-staple";

const stage = new Stage({ token: TOKEN }, async (server) => {
  await server.run({ name: "behind the token", custom_image_command: "true" });
});

/** What a browser says about every refused request. */
const refused = (problem: string) => problem.includes("401");

test("the token opens the page, and signing out closes it", async () => {
  const visitor = await stage.visitor({ viewport: { width: 1440, height: 900 } }, refused);
  const { page } = visitor;
  await visitor.open(`${stage.server.url}/runs`);
  const token = page.getByLabel("Token");
  await token.waitFor();
  await visitor.expectAccessible("the form");
  await visitor.picture("login-light-1440");

  await token.fill("wrong-horse");
  await page.keyboard.press("Enter");
  await page.getByText("not accepted").waitFor();
  assert.equal(await page.getByText("--token-file").count(), 1, "the message replaces the help");
  await visitor.picture("login-refused-light-1440");

  await token.fill(TOKEN);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("behind the token").first().waitFor();
  await visitor.expectClean("signed in");
  const cookies = await page.context().cookies();
  const [cookie] = cookies;
  assert.ok(cookie !== undefined && cookies.length === 1);
  assert.equal(cookie.name, `mlbench_session_${new URL(stage.server.url).port}`);
  assert.ok(cookie.httpOnly && cookie.sameSite === "Strict" && !cookie.value.includes("horse"));
  const stored = await page.evaluate(() => document.cookie + JSON.stringify([localStorage, sessionStorage]));
  assert.ok(!stored.includes("horse") && !stored.includes(cookie.value), "scripts see no secret");

  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await token.waitFor();
  await visitor.leave();
});

test("a link leads to its page after signing in", async () => {
  const visitor = await stage.visitor(
    { colorScheme: "dark", viewport: { width: 360, height: 700 } },
    refused,
  );
  await visitor.open(`${stage.server.url}/runs/1`);
  await visitor.page.getByLabel("Token").fill(TOKEN);
  await visitor.picture("login-dark-360");
  await visitor.page.keyboard.press("Enter");
  await visitor.page.getByRole("heading", { name: "behind the token" }).waitFor();
  assert.equal(new URL(visitor.page.url()).pathname, "/runs/1");
  await visitor.leave();
});
