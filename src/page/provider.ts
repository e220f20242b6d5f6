import {
  AuthorizationResponseError,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type ClientAuth,
  ClientError,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  None,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from "openid-client";
import { isPrivate } from "../config/fetchable.js";
import { PageError } from "./error.js";
import { lazily } from "./lazily.js";

/** What binds an answer of the provider to the question, and to the browser that it came through. */
export interface Challenge {
  state: string;
  nonce: string;
  /** PKCE (RFC 7636). */
  verifier: string;
}

/** An OpenID provider, by the authorization code flow. Both methods throw `PageError`. */
export interface Provider {
  /** Where the browser is sent. */
  authorizationUrl(challenge: Challenge): Promise<string>;
  /** The ID token for the code in the query; that its signature holds is for the caller to check. */
  idToken(query: string, challenge: Challenge): Promise<string>;
}

export interface ProviderOptions {
  issuer: string;
  clientId: string;
  /** `null`: the client is public. */
  clientSecret: string | null;
  scopes: readonly string[];
  redirectUri: string;
  /** Longest time for one answer of the provider. */
  timeoutMs?: number;
  /** Shortest time between two tries to read what it offers, after a failure. */
  coolDownMs?: number;
  monotonicMs: () => number;
  /** Told of each failure that is not the person's. */
  onTrouble: (error: Error) => void;
}

const hourMs = 3_600_000;

export function openIdProvider(options: ProviderOptions): Provider {
  const { redirectUri, scopes, monotonicMs, coolDownMs = 5_000, onTrouble } = options;
  const configuration = lazily(() => discovered(options).catch(told), {
    freshMs: hourMs,
    coolDownMs,
    nowMs: monotonicMs,
  });

  function told(error: Error): never {
    onTrouble(error);
    throw error;
  }

  async function known(): Promise<Configuration> {
    try {
      return await configuration();
    } catch (error) {
      throw new PageError("provider_unavailable", { cause: error });
    }
  }

  return {
    async authorizationUrl({ state, nonce, verifier }) {
      const config = await known();
      const url = buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: scopes.join(" "),
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
      });
      return url.href;
    },
    async idToken(query, { state, nonce, verifier }) {
      const config = await known();
      const url = new URL(redirectUri);
      url.search = query;
      const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true };
      try {
        const { id_token } = await authorizationCodeGrant(config, url, checks);
        if (id_token === undefined) throw new PageError("sign_in_invalid");
        return id_token;
      } catch (error) {
        const refusal = grantError(error);
        if (refusal.status >= 500) onTrouble(error instanceof Error ? error : refusal);
        throw refusal;
      }
    },
  };
}

async function discovered(options: ProviderOptions): Promise<Configuration> {
  const { issuer, clientId, clientSecret, timeoutMs = 5_000 } = options;
  const config = await discovery(new URL(issuer), clientId, {}, clientAuthOf(clientSecret), {
    timeout: timeoutMs / 1000,
    // The configuration permits http on this host alone.
    execute: issuer.startsWith("http:") ? [allowInsecureRequests] : [],
  });
  const metadata = config.serverMetadata();
  if (metadata.issuer !== issuer) throw new Error("the provider calls itself by another name than `issuer`");
  for (const place of [metadata.authorization_endpoint, metadata.token_endpoint]) {
    if (place === undefined || !isPrivate(place))
      throw new Error("an endpoint of the provider is missing or not https");
  }
  return config;
}

/** HTTP Basic is what a provider takes that says nothing (OpenID Connect Discovery section 3). */
function clientAuthOf(secret: string | null): ClientAuth {
  if (secret === null) return None();
  const [basic, post] = [ClientSecretBasic(secret), ClientSecretPost(secret)];
  return (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    return (methods.includes("client_secret_basic") ? basic : post)(server, client, body, headers);
  };
}

/** RFC 6749 section 5.2: a client that authenticates by a header is refused with a challenge. */
function isAboutUs(error: unknown): boolean {
  if (error instanceof WWWAuthenticateChallengeError) return true;
  return error instanceof ResponseBodyError && ["invalid_client", "unauthorized_client"].includes(error.error);
}

/** Unknown errors are failures to reach it: what the provider said is known. */
function grantError(cause: unknown): PageError {
  if (cause instanceof PageError) return cause;
  if (cause instanceof AuthorizationResponseError) return new PageError("sign_in_refused", { cause });
  if (isAboutUs(cause)) return new PageError("client_refused", { cause });
  if (cause instanceof ResponseBodyError) return new PageError("sign_in_invalid", { cause });
  const timedOut = cause instanceof ClientError && (cause.code === "OAUTH_TIMEOUT" || cause.code === "OAUTH_ABORT");
  if (cause instanceof ClientError && !timedOut) return new PageError("sign_in_invalid", { cause });
  return new PageError("provider_unavailable", { cause });
}
