import { randomNonce, randomPKCECodeVerifier, randomState } from "openid-client";
import { z } from "zod";
import { readSignedToken, signToken, type TokenKind } from "../approvals/signed_token.js";
import { sha256Hex } from "../canonical.js";
import type { TrustedIssuers } from "../issuers/issuers.js";
import type { SigningKey } from "../keys/keys.js";
import { personClaimed } from "../registry/claimed.js";
import type { Person, Registry } from "../registry/registry.js";
import type { Store } from "../store/store.js";
import { PageError } from "./error.js";
import type { Provider } from "./provider.js";
import type { SignInProof } from "./session.js";

/** How long people have to sign in at the provider. */
export const signInMs = 600_000;

/** Sign-in by OpenID Connect. */
export interface OidcSignIn {
  /** Where to send the browser, and what it has to bring back. Throws `PageError`. */
  start(returnTo: string): Promise<{ location: string; token: string }>;
  /**
   * Who the provider's answer, the query of the callback, names. `token` is what `start` gave to this browser; it counts once.
   * Throws `PageError`, `Refusal` when the ID token does not hold, and `StoreUnavailable`.
   */
  finish(query: string, token: string): Promise<{ person: Person; proof: SignInProof; returnTo: string }>;
}

/** A page of ours, or one thing on it: never a place of somebody else's. */
export const returnForm =
  /^\/(approvals(\/apr_[\w-]{1,60})?|dashboard(\/decisions\/[\w-]{1,64}|\/deployments\/[\w.~!*'()%-]{1,500})?)$/;

const claims = z.object({
  state: z.string().min(1),
  nonce: z.string().min(1),
  verifier: z.string().min(1),
  return_to: z.string().regex(returnForm),
});
const kind: TokenKind<z.infer<typeof claims>> = {
  typ: "page-sign-in+jwt",
  aud: "urn:countersign:page-sign-in",
  claims,
  maxBytes: 2_048,
};

export interface OidcDeps {
  provider: Provider;
  /** The provider's name, its `iss`. */
  issuer: string;
  key: SigningKey;
  registry: () => Registry;
  trusted: Pick<TrustedIssuers, "person">;
  store: Pick<Store, "once">;
  now: () => number;
}

export function oidcSignIn(deps: OidcDeps): OidcSignIn {
  const { provider, issuer, key, registry, trusted, store, now } = deps;
  return {
    async start(returnTo) {
      const challenge = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() };
      const location = await provider.authorizationUrl(challenge);
      const said = { ...challenge, return_to: returnTo };
      return { location, token: signToken(key, kind, said, { nowMs: now(), ttlMs: signInMs }) };
    },
    async finish(query, token) {
      const read = await readSignedToken(key, kind, token, { nowMs: now(), maxAgeMs: signInMs });
      if (!read) throw new PageError("sign_in_unknown");
      const { return_to, ...challenge } = read.claims;
      const first = await store.once(`page-sign-in:${sha256Hex(challenge.state)}`, signInMs);
      if (!first) throw new PageError("sign_in_unknown");
      const idToken = await provider.idToken(query, challenge);
      const claim = await trusted.person(idToken, now());
      // The trusted issuers are several, and the answer was this one's.
      if (claim.subject.iss !== issuer) throw new PageError("sign_in_invalid");
      const names = claim.aliases ? "any" : "id";
      const person = personClaimed(registry(), claim.name, names);
      if (!person) throw new PageError("person_unknown");
      return { person, proof: { by: "oidc", provider: issuer, name: claim.name, names }, returnTo: return_to };
    },
  };
}
