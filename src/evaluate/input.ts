import type { Call, Header, Identity, Json, Override, Session } from "../call.js";
import type { ObservedSession, SessionAttestation } from "../session.js";

/** The one-time proof of an approval; it never reaches the tool. */
export const overrideHeader = "x-countersign-override";

/** Headers whose values are proof of something; policies see that they are there, not what they say. */
const credentialHeaders = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "x-api-key",
  "x-session-attestation",
  overrideHeader,
]);

/** True for a header that carries a credential, of this call or of any. */
export function isCredential(header: string, { credentialHeader }: Pick<Identity, "credentialHeader">): boolean {
  return credentialHeaders.has(header) || header === credentialHeader;
}

/** What stands in place of a credential. */
export const credentialShown = "[credential]";

export interface InputParts {
  identity: Pick<Identity, "agent" | "credentialHeader" | "facts">;
  call: Pick<Call, "tool" | "action" | "environment" | "service" | "images" | "params" | "destination"> & {
    http: Pick<Call["http"], "method" | "path" | "query" | "headers">;
  };
  session: Session;
  /** What is known of the session's history; `null` when nobody looked. */
  observed: { session: ObservedSession; attestation: SessionAttestation } | null;
  override: Pick<Override, "approvalId"> | null;
  nowMs: number;
}

/**
 * The input document of one call. What the agent sends reaches only `params`, `http` and the fields that the
 * catalogue derives from them; everything else is proven. Unknown values are left out, never `null`.
 */
export function inputDocument({ identity, call, session, observed, override, nowMs }: InputParts): {
  [name: string]: Json;
} {
  const { agent } = identity;
  const { id, bound, ...known } = session;
  return {
    agent: present({ id: agent.id, model: agent.model, scopes: [...agent.scopes], roles: [...agent.roles] }),
    ...(call.tool === null && { unmatched: true }),
    ...present({ tool: call.tool, action: call.action, environment: call.environment, service: call.service }),
    images: [...call.images],
    params: call.params as { [name: string]: Json },
    destination: { ...call.destination },
    http: {
      method: call.http.method,
      path: call.http.path,
      query: Object.fromEntries(call.http.query.map(({ name, value }) => [name, value])),
      headers: headerMap(call.http.headers, identity),
    },
    facts: identity.facts as { [name: string]: Json },
    session: present({ id, bound, ...known, ...jsonOf(observed?.session ?? {}) }),
    ...(observed && { session_attestation: present(jsonOf(observed.attestation)) }),
    ...(override && { approval: { id: override.approvalId } }),
    time: { unix_ms: nowMs },
  };
}

/** These hold texts, numbers, booleans and lists of texts only. */
function jsonOf(members: object): { [name: string]: Json } {
  return members as { [name: string]: Json };
}

function headerMap(headers: readonly Header[], identity: InputParts["identity"]): { [name: string]: Json } {
  const map = new Map<string, string>();
  for (const { name, value } of headers) {
    const shown = isCredential(name, identity) ? credentialShown : value;
    const earlier = map.get(name);
    map.set(name, earlier === undefined ? shown : `${earlier}, ${shown}`);
  }
  return Object.fromEntries(map);
}

function present(fields: Record<string, Json | undefined>): { [name: string]: Json } {
  return Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, Json] => field[1] !== undefined && field[1] !== null),
  );
}
