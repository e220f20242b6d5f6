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
 *
 * Each object has its members in the order in which a record is written (RFC 8785), and is nobody else's to change: what the
 * call has in this form already is shared with it. What is in order is not sorted later, which with the copies was a
 * fifteenth of all that a call allocates.
 */
export function inputDocument({ identity, call, session, observed, override, nowMs }: InputParts): Input {
  const { agent, facts } = identity;
  const { tool, action, environment, service, destination, images, params } = call;
  const { host, port, scheme } = destination;
  const { method, path, query, headers } = call.http;
  const input: Input = action === null ? { agent: jsonOf(agent) } : { action, agent: jsonOf(agent) };
  if (override) input.approval = { id: override.approvalId };
  input.destination = { host, port, scheme };
  if (environment !== null) input.environment = environment;
  input.facts = facts as Input;
  input.http = { headers: headerMap(headers, identity), method, path, query: queryMap(query) };
  input.images = images as Json[];
  input.params = params as Input;
  if (service !== null) input.service = service;
  input.session = observed ? seenSession(session, observed.session) : jsonOf(session);
  if (observed) input.session_attestation = jsonOf(observed.attestation);
  input.time = { unix_ms: nowMs };
  if (tool !== null) input.tool = tool;
  else input.unmatched = true;
  return input;
}

type Input = { [name: string]: Json };

/** These hold texts, numbers, booleans and lists of texts only, and nothing that is not known. */
function jsonOf(members: object): Input {
  return members as Input;
}

/** What a session is, and what it did. */
function seenSession(session: Session, seen: ObservedSession): Input {
  const { id, bound, clearance, initiated_by, role, workflow_run_id } = session;
  const { anomalies, calls, data_classification, integrity, passed, refused, tools } = seen;
  const members: Input = { anomalies, bound, calls };
  if (clearance !== undefined) members.clearance = clearance;
  members.data_classification = data_classification as string[];
  members.id = id;
  if (initiated_by !== undefined) members.initiated_by = initiated_by;
  members.integrity = integrity;
  members.passed = passed;
  members.refused = refused;
  if (role !== undefined) members.role = role;
  members.tools = tools as string[];
  if (workflow_run_id !== undefined) members.workflow_run_id = workflow_run_id;
  return members;
}

function queryMap(query: InputParts["call"]["http"]["query"]): Input {
  const map: Input = {};
  for (const { name, value } of byName(query)) put(map, name, value);
  return map;
}

function headerMap(headers: readonly Header[], identity: InputParts["identity"]): Input {
  const map: Input = {};
  let before: string | null = null;
  for (const { name, value } of byName(headers)) {
    const shown = isCredential(name, identity) ? credentialShown : value;
    put(map, name, name === before ? `${map[name]}, ${shown}` : shown);
    before = name;
  }
  return map;
}

/**
 * In the order of the names, and as they came where a name is there twice. Headers come in any order, and an object for each
 * order has a shape of its own: to make it takes three times what it takes to sort them and to make one of a known shape.
 */
function byName<T extends { name: string }>(list: readonly T[]): readonly T[] {
  for (let i = 1; i < list.length; i++) {
    if ((list[i - 1] as T).name > (list[i] as T).name) return sortedByName(list);
  }
  return list;
}

/** The longest list that is sorted by hand, which for few takes half of what it takes to be called back. */
const few = 32;

function sortedByName<T extends { name: string }>(list: readonly T[]): readonly T[] {
  const sorted = list.slice();
  if (sorted.length > few) return sorted.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  for (let i = 1; i < sorted.length; i++) {
    const one = sorted[i] as T;
    let at = i;
    for (; at > 0 && (sorted[at - 1] as T).name > one.name; at--) sorted[at] = sorted[at - 1] as T;
    sorted[at] = one;
  }
  return sorted;
}

/** As a member of its own, also where the agent calls it `__proto__`. Entries and a map in between cost twice as much. */
function put(map: Input, name: string, value: Json): void {
  if (name !== "__proto__") map[name] = value;
  else Object.defineProperty(map, name, { value, enumerable: true, configurable: true, writable: true });
}
