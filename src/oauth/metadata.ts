import type { JWK } from "jose";
import type { Json } from "../call.js";
import type { VerifyKey } from "../keys/keys.js";
import { clientCredentials } from "./client_credentials.js";
import { taskType } from "./task.js";
import { tokenExchange } from "./token_exchange.js";

/** RFC 7517 section 5. Secrets have no public half and are not in here. */
export function jwksOf(keys: readonly VerifyKey[]): { keys: JWK[] } {
  return { keys: distinct(keys).flatMap((key) => key.publicJwk() ?? []) };
}

/** Each key once, by what it is. */
export function distinct(keys: readonly VerifyKey[]): VerifyKey[] {
  return [...new Map(keys.map((key) => [key.thumbprint, key])).values()];
}

/** OpenID Connect Discovery 1.0 section 3 and RFC 8414 section 2, as far as it is the case here. */
export function configurationOf(options: {
  issuer: string;
  publicUrl: string;
  keys: readonly VerifyKey[];
}): Record<string, Json> {
  const base = options.publicUrl.replace(/\/+$/, "");
  const methods = ["client_secret_basic", "client_secret_post", "none"];
  const algorithms = options.keys.filter((key) => key.publicJwk() !== null).map(({ alg }) => alg);
  return {
    issuer: options.issuer,
    jwks_uri: `${base}/.well-known/jwks.json`,
    token_endpoint: `${base}/oauth2/token`,
    token_endpoint_auth_methods_supported: methods,
    revocation_endpoint: `${base}/oauth2/revoke`,
    revocation_endpoint_auth_methods_supported: [...methods],
    grant_types_supported: [clientCredentials, tokenExchange],
    response_types_supported: [],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [...new Set(algorithms)],
    authorization_details_types_supported: [taskType],
  };
}
