import type { routeAccess } from "../../../src/http/access.js";
import { type Answered, answer, form, json, type Operation, problems } from "./operation.js";

const tooManyTokens: Record<number, Answered> = {
  429: {
    description: "the agent got its tokens of the minute",
    content: { [json]: "OAuthError" },
    headers: { "retry-after": "seconds until there is another one" },
  },
};

/** Errors of the token endpoints, which have the form of RFC 6749. */
const oauthErrors: Record<number, Answered> = {
  ...Object.fromEntries(
    [400, 413, 415, 503].map((status): [number, Answered] => [
      status,
      {
        description: status === 413 ? "the body is larger than 32 KiB" : "RFC 6749 section 5.2",
        content: { [json]: "OAuthError" },
      },
    ]),
  ),
  401: {
    description: "the client is unknown or its secret is wrong",
    content: { [json]: "OAuthError" },
    headers: { "www-authenticate": "the scheme to use" },
  },
  ...problems(500),
};

/** The routes by which agents get tokens, and by which others check them. */
export const tokenOperations = {
  "POST /oauth2/token": {
    id: "issueToken",
    summary: "A token for an agent, by its API key or by the token of a trusted issuer (RFC 6749, RFC 8693)",
    tag: "tokens",
    body: {
      type: form,
      schema: "TokenRequest",
      required: true,
      examples: {
        apiKey: { grant_type: "client_credentials", client_id: "deploy-manager", client_secret: "key-deploy-manager" },
      },
    },
    answers: { ...answer("Token", "the token"), ...oauthErrors, ...tooManyTokens },
  },
  "POST /oauth2/revoke": {
    id: "revokeToken",
    summary: "End a token before it expires (RFC 7009)",
    tag: "tokens",
    body: {
      type: form,
      schema: "TokenRevocation",
      required: true,
      examples: { token: { token: "eyJhbGciOi.J9.c2ln" } },
    },
    answers: { 200: { description: "it holds no more, or never did" }, ...oauthErrors },
  },
  "GET /.well-known/jwks.json": {
    id: "getJwks",
    summary: "The public keys of the issuer (RFC 7517)",
    tag: "tokens",
    answers: { ...answer("Jwks", "all that hold", "application/jwk-set+json"), ...problems(500) },
  },
  "GET /.well-known/openid-configuration": {
    id: "getIssuerConfiguration",
    summary: "What the issuer offers (OpenID Connect Discovery, RFC 8414)",
    tag: "tokens",
    answers: { ...answer("IssuerConfiguration", "as far as it is the case here"), ...problems(500) },
  },
} as const satisfies Partial<Record<keyof typeof routeAccess, Operation>>;
