import type { JWK } from "jose";
import type { Json } from "../call.js";
import { localIssuer } from "../identify/local_issuer.js";
import type { TrustedIssuers } from "../issuers/issuers.js";
import type { Revocations } from "../issuers/revocations.js";
import type { VerifyKey } from "../keys/keys.js";
import type { Registry } from "../registry/registry.js";
import { type Client, readClient } from "./client.js";
import { clientCredentials, grantToClient } from "./client_credentials.js";
import { OAuthError } from "./error.js";
import { type Form, required } from "./form.js";
import type { Granted } from "./granted.js";
import { type IssueDeps, issue, type TokenAnswer } from "./issue.js";
import { configurationOf, distinct, jwksOf } from "./metadata.js";
import { pace } from "./pace.js";
import { revoker } from "./revoke.js";
import { grantForToken, tokenExchange } from "./token_exchange.js";

/** What the endpoints work with. Durations in milliseconds. */
export interface OAuthDeps extends IssueDeps {
  registry: () => Registry;
  trusted: TrustedIssuers;
  revocations: Pick<Revocations, "fresh">;
  issuer: IssueDeps["issuer"] & {
    /** Keys that sign nothing and whose tokens hold, as during a change of keys. The signing key need not be in it. */
    acceptedKeys: readonly VerifyKey[];
  };
  /** Where agents reach the HTTP API. */
  publicUrl: string;
  /** What the JWKS shows beside the keys of tokens. */
  publishedKeys: readonly VerifyKey[];
}

/** The authorization server's side of agent tokens. Methods throw what `asOAuthError` knows. */
export interface OAuthService {
  /** RFC 6749, RFC 8693. `authorization` is the header's value. */
  token(form: Form, authorization: string | undefined): Promise<TokenAnswer>;
  /** RFC 7009. */
  revoke(form: Form, authorization: string | undefined): Promise<void>;
  /** Public members of public keys only. */
  jwks(): { keys: JWK[] };
  configuration(): Record<string, Json>;
}

export function oauthService(deps: OAuthDeps): OAuthService {
  const { issuer, registry, publicUrl } = deps;
  const keys = distinct([issuer.key, ...issuer.acceptedKeys]);
  const published = jwksOf([...keys, ...deps.publishedKeys]);
  const configuration = configurationOf({ issuer: issuer.url, publicUrl, keys });
  const verifier = localIssuer({ issuer: issuer.url, audience: issuer.audience, maxTtlMs: issuer.maxTtlMs, keys });
  const take = pace();
  const end = revoker({ ...deps, verifier });
  const clientOf = (form: Form, authorization: string | undefined) => readClient(form, authorization, registry());

  return {
    async token(form, authorization) {
      const grantType = required(form, "grant_type");
      const grant = Object.hasOwn(grants, grantType) ? grants[grantType] : undefined;
      if (!grant) {
        const known = Object.keys(grants).join(" or ");
        throw new OAuthError("unsupported_grant_type", `grant_type must be ${known}`);
      }
      await deps.revocations.fresh();
      const client = clientOf(form, authorization);
      checkTarget(form, issuer.audience);
      const granted = await grant(form, client, deps);
      take(granted.agent.id, deps.runtime.now());
      return issue(granted, form, deps);
    },
    async revoke(form, authorization) {
      const token = required(form, "token");
      await end(token, clientOf(form, authorization));
    },
    jwks: () => published,
    configuration: () => configuration,
  };
}

/** One row per kind of grant. */
const grants: Readonly<Record<string, (form: Form, client: Client | null, deps: OAuthDeps) => Promise<Granted>>> = {
  [clientCredentials]: async (_form, client) => grantToClient(client),
  [tokenExchange]: (form, client, deps) => grantForToken(form, client, { ...deps, nowMs: deps.runtime.now() }),
};

/** RFC 8693 section 2.1: what the token is asked for. Tokens are for one audience only. */
function checkTarget(form: Form, audience: string): void {
  for (const name of ["audience", "resource"]) {
    const target = form.get(name);
    if (target === undefined || target === audience) continue;
    throw new OAuthError("invalid_target", `${name} must be ${audience}, or left out`);
  }
}
