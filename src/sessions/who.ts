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
  const clearance = proven.clearance ?? person?.clearance;
  const initiated_by = person?.id ?? proven.initiated_by;
  const role = proven.role ?? person?.role;
  const { workflow_run_id } = proven;
  const id = sessionIdOf(identity);
  const bound = proven.id !== undefined;
  // In the order in which a record is written, which policies and record see as it is.
  const session: { -readonly [K in keyof Session]: Session[K] } =
    clearance === undefined ? { bound, id } : { bound, clearance, id };
  if (initiated_by !== undefined) session.initiated_by = initiated_by;
  if (role !== undefined) session.role = role;
  if (workflow_run_id !== undefined) session.workflow_run_id = workflow_run_id;
  return session;
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
