import type { Refusal } from "./refusal.js";
import type { SessionFacts, Task } from "./session.js";
import type { TokenClaims } from "./token_claims.js";
import type { Json } from "./value.js";

export type { Json } from "./value.js";

/** One header as it came in: `name` is lower case, `value` visible ASCII. */
export interface Header {
  name: string;
  value: string;
}

/** The client's end of a TLS connection, as Envoy tells it. Both are text from outside; either may be empty. */
export interface Peer {
  /** The first URI of the certificate's subject alternative names, else its first DNS name, else its subject. */
  principal: string;
  /** URL-encoded PEM; empty unless the Envoy filter has `include_peer_certificate`. */
  certificate: string;
}

/** What Envoy told us about one request, checked for form but not yet interpreted. */
export interface HttpRequest {
  /** Envoy's stream id (`attributes.request.http.id`); not `x-request-id`, which a client may choose. */
  id: string;
  method: string;
  scheme: "http" | "https";
  /** `:authority` as received. */
  authority: string;
  /** Request target as received: path and query, undecoded. */
  target: string;
  headers: readonly Header[];
  /** The whole body; empty when there was none. A text stands for its bytes in UTF-8, and has no half characters. */
  body: Uint8Array | string;
  /** True when the message framing announced a body, whether or not Envoy passed it on. */
  bodyAnnounced: boolean;
  /** Only where Envoy's word about its clients counts, and where it saw a certificate. */
  peer?: Peer;
}

/** One query or form parameter: the raw spelling of its name, and name and value decoded once. */
export interface QueryParameter {
  raw: string;
  name: string;
  value: string;
}

/** Who calls: the result of identification. */
export interface Identity {
  agent: {
    id: string;
    model?: string;
    /** Effective scopes: registered, and in the token when one was used. */
    scopes: readonly string[];
    roles: readonly string[];
  };
  /** Name of the credential kind, a row of the credential table. */
  credential: string;
  /**
   * Header that carried the credential, lower case; stripped before the tool sees the call. `null` when the connection
   * itself was the proof.
   */
  credentialHeader: string | null;
  /** Claims of the verified token that a record keeps. */
  token?: TokenClaims;
  /** Session facts that the token proves. */
  session: SessionFacts & {
    id?: string;
    /** What the session is for; a call outside is refused. */
    task?: Task;
  };
  facts: Readonly<Record<string, Json>>;
  /**
   * Why it is not known whether the credential was revoked or the agent disabled since: the store did not answer. Nothing
   * that is enforced may rest on such an identity.
   */
  unsure?: Refusal;
}

/** What the call means: one request translated by the tool catalogue. */
export interface Call {
  /** `null` for a request that no entry matched and `unmatched: passthrough` let on. */
  tool: string | null;
  action: string | null;
  environment: string | null;
  service: string | null;
  image_tag: string | null;
  deployment_id: string | null;
  amount: number | null;
  images: readonly string[];
  params: Readonly<Record<string, Json>>;
  /** Names of parameters that came whole from the query, where they can still be changed. */
  fromQuery: readonly string[];
  /** Members of the body that are no parameters; `null` for a body that was not read. */
  body: Readonly<Record<string, Json>> | null;
  destination: { host: string; port: number; scheme: "http" | "https" };
  http: {
    method: string;
    /** Canonical path. */
    path: string;
    query: readonly QueryParameter[];
    headers: readonly Header[];
    content_type: string;
    /** Lower-case hex. */
    body_sha256: string;
  };
  /** Known before the call, in integer micro-units of the budget. */
  costMicro: number;
  /** What data the tool exposes. */
  classification: readonly string[];
}

/** What is known of the session a call belongs to. Only proven values; absent ones are unknown. */
export interface Session extends SessionFacts {
  /** Of the verified token, or the agent's one open session when the token binds none. */
  id: string;
  /** False for the open session. */
  bound: boolean;
}

/** The session a verified token binds, else the one open session that every agent has. */
export function sessionIdOf(identity: Identity): string {
  return identity.session.id ?? `open:${identity.agent.id}`;
}

/** A verified, not yet redeemed override token that belongs to exactly this call. */
export interface Override {
  approvalId: string;
  token: string;
}

/** Parts of `scope`: `tool:action`, split at the first colon; `*` stands for a whole part. */
export function scopeCovers(scope: string, tool: string, action: string): boolean {
  const colon = scope.indexOf(":");
  if (colon < 0) return false;
  return isPart(scope, 0, colon, tool) && isPart(scope, colon + 1, scope.length, action);
}

/** What stands there is `*` or the word: compared where it stands, since every call is compared with many scopes. */
function isPart(scope: string, start: number, end: number, word: string): boolean {
  if (end - start === word.length && scope.startsWith(word, start)) return true;
  return end - start === 1 && scope.startsWith("*", start);
}
