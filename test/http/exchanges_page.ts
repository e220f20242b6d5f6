import { issueLink } from "../../src/approvals/link.js";
import { PageError } from "../../src/page/error.js";
import type { OidcSignIn } from "../../src/page/oidc.js";
import { person, world } from "../approvals/fixture.js";
import { type Api, pageOf } from "./fixture.js";
import type { Open, Send } from "./scene.js";

export const origin = { origin: "http://127.0.0.1:9192" };
const json = { "content-type": "application/json" };

/** Signing in and out, what the page loads, links, and a provider that answers well, badly and not at all. */
export async function page(open: Open): Promise<void> {
  const { made, send } = await open();
  await files(send);
  await sessions(send);
  await links(made, send);
  for (const answers of ["well", "badly", "not"] as const) await provider(open, answers);
  await manyTries(open);
}

async function files(send: Send): Promise<void> {
  const asset = "GET /approvals/assets/:name";
  const { headers } = await send(asset, "a script", { id: "approvals.js" });
  await send(asset, "known already", { id: "approvals.js", headers: { "if-none-match": String(headers.etag) } });
  await send(asset, "a style sheet", { id: "approvals.css" });
  for (const id of ["tsconfig.json", "..", "../page.js", "nothing.js"]) await send(asset, id, { id });
  await send("GET /approvals/:id", "odd id", { id: "a b" });
}

async function sessions(send: Send): Promise<void> {
  const signIn = "POST /approvals/session";
  const payload = { token: "token-bob" };
  const { headers } = await send(signIn, "from the page", { headers: origin, payload });
  const cookie = String(headers["set-cookie"]).split(";", 1)[0] ?? "";
  const csrf = (await send("GET /approvals/session", "signed in", { headers: { cookie } })).json().csrf;
  await send("DELETE /approvals/session", "without the token", { headers: { ...origin, cookie } });
  await send("DELETE /approvals/session", "out", { headers: { ...origin, cookie, "x-csrf-token": csrf } });
  await send(signIn, "nobody's token", { headers: origin, payload: { token: "x" } });
  await send(signIn, "another site", { headers: { origin: "https://evil.example" }, payload });
  await send(signIn, "no token", { headers: origin, payload: {} });
  await send(signIn, "text", {
    headers: { ...origin, "content-type": "text/plain" },
    payload: '{"token":"token-bob"}',
  });
  await send(signIn, "large", { headers: { ...origin, ...json }, payload: `{"token":"${"x".repeat(70_000)}"}` });
}

async function links(made: Api, send: Send): Promise<void> {
  const id = await made.here.open();
  const link = issueLink(made.here.key, { id }, 60_000, made.here.nowMs);
  await send("GET /approvals/open", "a good link", { query: `?link=${link}` });
  for (const query of ["", "?link=", "?link=x", `?link=${link}x`, `?link=${link}&more=1`]) {
    await send("GET /approvals/open", `"${query}"`, { query });
    await send("GET /approvals/open", `"${query}" in a browser`, { query, headers: { accept: "text/html" } });
  }
}

/** The cookie of a sign-in that was begun here. */
const begun = { cookie: "countersign_sign_in=t" };

async function provider(open: Open, answers: "well" | "badly" | "not"): Promise<void> {
  const refused = new PageError(answers === "badly" ? "sign_in_invalid" : "provider_unavailable");
  const oidc: OidcSignIn = {
    async start() {
      if (answers === "not") throw refused;
      return { location: "https://idp.example/auth?state=x", token: "t" };
    },
    async finish() {
      if (answers !== "well") throw refused;
      const proof = { by: "oidc", provider: "https://idp.example", name: "bob@example.com", names: "id" } as const;
      return { person: person("bob"), proof, returnTo: "/approvals" };
    },
  };
  const { send } = await open({
    page: pageOf(await world(), { oidc: { issuer: "https://idp.example", signIn: oidc } }),
  });
  for (const headers of [{}, { accept: "text/html,*/*;q=0.8" }]) {
    for (const query of ["", "?return=/approvals/apr_1", "?return=//evil.example"]) {
      await send("GET /approvals/oidc/start", `${answers}: ${query}`, { query, headers });
    }
    await send("GET /approvals/oidc/callback", answers, {
      query: "?code=a&state=x",
      headers: { ...begun, ...headers },
    });
  }
}

async function manyTries(open: Open): Promise<void> {
  const { send } = await open();
  for (let i = 0; i < 21; i++) {
    await send("POST /approvals/session", `try ${i}`, { headers: origin, payload: { token: `guess-${i}` } });
  }
  const other = await open({
    page: pageOf(await world(), { oidc: { issuer: "https://idp.example", signIn: refusing } }),
  });
  for (let i = 0; i < 21; i++) {
    const headers = { ...begun, ...(i === 20 ? { accept: "text/html" } : {}) };
    await other.send("GET /approvals/oidc/callback", `try ${i}`, { query: "?code=a", headers });
  }
}

const refusing: OidcSignIn = {
  start: async () => ({ location: "https://idp.example/auth", token: "t" }),
  finish: async () => {
    throw new PageError("sign_in_unknown");
  },
};
