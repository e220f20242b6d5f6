import { verifyOverride } from "../approvals/override_token.js";
import { type Call, type Identity, type Override, type Session, scopeCovers, sessionIdOf } from "../call.js";
import type { VerifyKey } from "../keys/keys.js";
import { Refusal } from "../refusal.js";
import type { Registry } from "../registry/registry.js";

/** Header that carries the one-time proof of an approval. */
export const overrideHeader = "x-countersign-override";

export interface AttestParts {
  identity: Identity;
  call: Call;
  registry: Registry;
  /** Of the call in the given session. */
  fingerprintOf: (session: string) => string;
  /** Checks override tokens. */
  approvalKey: VerifyKey;
  nowMs: number;
}

/** What is proven about the circumstances of a call. */
export interface Attested {
  session: Session;
  fingerprint: string;
  /** `null` when no override token came, or one for another call: then people are asked again. */
  override: Override | null;
}

/**
 * Stage attest: in which session does the call come, is it within what that session was given, and which approval
 * does it bring? Throws `scope_exceeded`, `override_invalid` or `override_expired`.
 */
export async function attest(parts: AttestParts): Promise<Attested> {
  checkScope(parts.identity, parts.call);
  const session = sessionOf(parts.identity, parts.registry);
  const fingerprint = parts.fingerprintOf(session.id);
  return { session, fingerprint, override: await overrideOf(parts, session, fingerprint) };
}

function checkScope({ agent }: Identity, { tool, action }: Call): void {
  if (tool === null || action === null) return;
  if (agent.scopes.some((scope) => scopeCovers(scope, tool, action))) return;
  const message = `${tool}:${action} is outside the scopes of this agent or its token`;
  throw new Refusal("scope_exceeded", message, {
    violations: [{ rule: "scope_exceeded", limit: [...agent.scopes], actual: `${tool}:${action}`, message }],
  });
}

/**
 * The session a verified token binds, else the agent's one open session: an id that an agent could choose would let it
 * leave a session behind. Role and clearance come from the token or, by the person who started it, from the registry.
 */
function sessionOf(identity: Identity, registry: Registry): Session {
  const proven = identity.session;
  const person = proven.initiated_by === undefined ? undefined : registry.person(proven.initiated_by);
  const known = {
    workflow_run_id: proven.workflow_run_id,
    initiated_by: person?.id ?? proven.initiated_by,
    role: proven.role ?? person?.role,
    clearance: proven.clearance ?? person?.clearance,
  };
  return {
    id: sessionIdOf(identity),
    bound: proven.id !== undefined,
    ...(Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)) as Partial<Session>),
  };
}

async function overrideOf(
  { call, identity, approvalKey, nowMs }: AttestParts,
  session: Session,
  fingerprint: string,
): Promise<Override | null> {
  const tokens = call.http.headers.filter(({ name }) => name === overrideHeader).map(({ value }) => value);
  const [token, ...others] = tokens;
  if (token === undefined) return null;
  if (others.length > 0) throw new Refusal("override_invalid", "more than one override token came with the call");
  const wanted = { key: approvalKey, now: nowMs, agent: identity.agent.id, session: session.id };
  const verified = await verifyOverride(token, wanted);
  // Another call than the approved one needs an approval of its own.
  if (verified.fingerprint !== fingerprint) return null;
  return { approvalId: verified.approvalId, token };
}
