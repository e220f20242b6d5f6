import { trustedIssuers } from "../../src/issuers/trusted.js";
import { oidcSignIn } from "../../src/page/oidc.js";
import { openIdProvider } from "../../src/page/provider.js";
import { systemRuntime } from "../../src/runtime.js";
import { memoryStore } from "../../src/store/memory.js";
import { world } from "../approvals/fixture.js";
import { type Browser, browser } from "../harness/http_browser.js";
import { client, type OpenId, signInAt, startOpenId } from "../harness/openid.js";
import { type Api, api, pageOf } from "../http/fixture.js";
import { entries } from "../issuers/fixture.js";

export interface Place {
  made: Api;
  openId: OpenId;
  base: string;
  /** What went wrong that is nobody's fault who signs in. */
  troubles: string[];
  /** Milliseconds by which the clock of the page is ahead. */
  ahead: { ms: number };
  /** Sends a browser to the provider, where somebody signs in, and gives the address that it comes back to. */
  cameBack(person: Browser, login: string, change?: (toProvider: URL) => void): Promise<string>;
  /** The same, and then back here. */
  signIn(login: string, returnTo?: string): Promise<{ person: Browser; answer: Response }>;
  stop(): Promise<void>;
}

interface PlaceOptions {
  /** Of the entry in `identity.trusted`; the client's id by default. */
  audience?: string;
  entry?: object;
  verified?: boolean;
  auth?: "client_secret_basic" | "client_secret_post" | "none";
  secret?: string;
  timeoutMs?: number;
  coolDownMs?: number;
}

/** The HTTP API with a page where people sign in by a real provider. The clock is the real one, since the provider's is. */
export async function place(options: PlaceOptions = {}): Promise<Place> {
  const { audience = client.id, auth = "client_secret_basic", secret = client.secret } = options;
  const publicUrl = "http://127.0.0.1:9192";
  const redirectUri = `${publicUrl}/approvals/oidc/callback`;
  const openId = await startOpenId({ redirectUri, auth, verified: options.verified ?? true });
  const { issuer } = openId;
  const ahead = { ms: 0 };
  const runtime = { ...systemRuntime, now: () => Date.now() + ahead.ms };
  const written = { for: "people", issuer, jwks: `${issuer}/jwks`, audience, algorithms: ["RS256"] };
  const trusted = trustedIssuers(entries({ ...written, ...options.entry }), { runtime });
  const troubles: string[] = [];
  const provider = openIdProvider({
    issuer,
    clientId: client.id,
    clientSecret: auth === "none" ? null : secret,
    scopes: ["openid", "email"],
    redirectUri,
    monotonicMs: () => runtime.monotonicMicros() / 1000,
    onTrouble: (error) => troubles.push(error.message),
    timeoutMs: options.timeoutMs ?? 20_000,
    coolDownMs: options.coolDownMs ?? 0,
  });
  const here = await world();
  const store = memoryStore(runtime);
  const registry = () => here.registry;
  const signIn = oidcSignIn({ provider, issuer, key: here.key, registry, trusted, store, now: runtime.now });
  const made = await api({
    approvals: here.service,
    page: pageOf(here, { runtime, publicUrl, oidc: { issuer, signIn } }),
    runtime,
  });
  const base = `http://${made.host}:${made.port}`;

  async function cameBack(person: Browser, login: string, change: (to: URL) => void = () => undefined, query = "") {
    const started = await person.get(`${base}/approvals/oidc/start${query}`);
    if (started.status !== 302) throw new Error(`not started: ${started.status} ${await started.text()}`);
    const to = new URL(started.headers.get("location") ?? "");
    change(to);
    const back = new URL(await signInAt(to.href, login));
    return `${base}${back.pathname}${back.search}`;
  }

  return {
    made: { ...made, here },
    openId,
    base,
    troubles,
    ahead,
    cameBack,
    async signIn(login, returnTo) {
      const person = browser();
      const query = returnTo === undefined ? "" : `?return=${encodeURIComponent(returnTo)}`;
      const answer = await person.get(await cameBack(person, login, undefined, query));
      return { person, answer };
    },
    async stop() {
      trusted.close();
      await made.app.close();
      await openId.stop();
    },
  };
}
