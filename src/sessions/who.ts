import { type Identity, type Session, sessionIdOf } from "../call.js";
import type { Registry } from "../registry/registry.js";
import type { SessionFacts } from "../session.js";

/**
 * The session a verified token binds, else the agent's one open session: an id that an agent could choose would let it
 * leave a session behind. Role and clearance come from the token or, by the person who started it, from the registry.
 */
export function sessionOf(identity: Identity, registry: Registry): Session {
  const proven = identity.session;
  const person = proven.initiated_by === undefined ? undefined : registry.personNamed(proven.initiated_by);
  const facts = present({
    workflow_run_id: proven.workflow_run_id,
    initiated_by: person?.id ?? proven.initiated_by,
    role: proven.role ?? person?.role,
    clearance: proven.clearance ?? person?.clearance,
  });
  return { id: sessionIdOf(identity), bound: proven.id !== undefined, ...facts };
}

/** The facts alone, without what the session is. */
export function factsOf({ workflow_run_id, initiated_by, role, clearance }: SessionFacts): SessionFacts {
  return present({ workflow_run_id, initiated_by, role, clearance });
}

function present(facts: { [K in keyof SessionFacts]: string | undefined }): SessionFacts {
  const { workflow_run_id, initiated_by, role, clearance } = facts;
  const known: { [K in keyof SessionFacts]: string } = {};
  if (workflow_run_id !== undefined) known.workflow_run_id = workflow_run_id;
  if (initiated_by !== undefined) known.initiated_by = initiated_by;
  if (role !== undefined) known.role = role;
  if (clearance !== undefined) known.clearance = clearance;
  return known;
}
