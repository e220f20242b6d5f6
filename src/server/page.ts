import type { Logger } from "pino";
import type { Config } from "../config/schema.js";
import type { TrustedIssuers } from "../issuers/issuers.js";
import type { SigningKey } from "../keys/keys.js";
import { secretLines } from "../notify/secret_file.js";
import { oidcSignIn } from "../page/oidc.js";
import { approvalsPage, type Page } from "../page/page.js";
import { openIdProvider } from "../page/provider.js";
import type { Registry } from "../registry/registry.js";
import type { Runtime } from "../runtime.js";
import type { Store } from "../store/store.js";

interface ServerPageDeps {
  /** The approval key. */
  key: SigningKey;
  registry: () => Registry;
  trusted: TrustedIssuers;
  store: Store;
  runtime: Runtime;
  log: Logger;
}

/** The page `/approvals`, as configured. Throws an `Error` for the operator when the file of the client's secret is of no use. */
export async function serverPage(config: Config, deps: ServerPageDeps): Promise<Page> {
  const { session_ttl: sessionMs, oidc } = config.approvals.page;
  const publicUrl = config.public_url;
  return approvalsPage({ ...deps, publicUrl, sessionMs, oidc: oidc ? await openOidc(oidc, publicUrl, deps) : null });
}

async function openOidc(
  { issuer, client_id, client_secret_file: file, scopes }: NonNullable<Config["approvals"]["page"]["oidc"]>,
  publicUrl: string,
  deps: ServerPageDeps,
) {
  const provider = openIdProvider({
    issuer,
    clientId: client_id,
    clientSecret: file === undefined ? null : await secretOf(file),
    scopes,
    redirectUri: `${publicUrl.replace(/\/+$/, "")}/approvals/oidc/callback`,
    monotonicMs: () => deps.runtime.monotonicMicros() / 1000,
    onTrouble: (error) => deps.log.warn({ issuer, error: error.message }, "sign-in by OpenID Connect"),
  });
  return { issuer, signIn: oidcSignIn({ ...deps, provider, issuer, now: deps.runtime.now }) };
}

async function secretOf(file: string): Promise<string> {
  const [secret, ...more] = await secretLines(file);
  if (secret !== undefined && more.length === 0) return secret;
  throw new Error(`${file}: write one line, the secret of the client`);
}
