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
      query: queryMap(call.http.query),
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

function queryMap(query: InputParts["call"]["http"]["query"]): { [name: string]: Json } {
  const map: { [name: string]: Json } = {};
  for (const { name, value } of query) put(map, name, value);
  return map;
}

function headerMap(headers: readonly Header[], identity: InputParts["identity"]): { [name: string]: Json } {
  const map: { [name: string]: Json } = {};
  for (const { name, value } of headers) {
    const shown = isCredential(name, identity) ? credentialShown : value;
    put(map, name, Object.hasOwn(map, name) ? `${map[name]}, ${shown}` : shown);
  }
  return map;
}

/** As a member of its own, also where the agent calls it `__proto__`. Entries and a map in between cost twice as much. */
function put(map: { [name: string]: Json }, name: string, value: Json): void {
  if (name !== "__proto__") map[name] = value;
  else Object.defineProperty(map, name, { value, enumerable: true, configurable: true, writable: true });
}

function present(fields: Record<string, Json | undefined>): { [name: string]: Json } {
  const known: { [name: string]: Json } = {};
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value !== undefined && value !== null) known[name] = value;
  }
  return known;
}
