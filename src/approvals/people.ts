import type { Person, Registry } from "../registry/registry.js";
import type { Approval } from "../store/store.js";
import { ApprovalError } from "./error.js";

type Requested = Pick<Approval, "agent" | "requestedBy">;

/** Throws `ApprovalError` unless this person may answer: an approver, and not one of those who ask. */
export function checkMayAnswer(registry: Registry, request: Requested, person: Person): void {
  if (!person.access.includes("approver")) throw new ApprovalError("not_approver");
  if (isRequester(registry, request, person)) throw new ApprovalError("self_approval");
}

/** True when the person is the agent or started its session, under any name the registry knows. */
export function isRequester(registry: Registry, { agent, requestedBy }: Requested, person: Person): boolean {
  const names = [agent, requestedBy.agent, requestedBy.initiated_by].filter((name) => name !== undefined);
  return names.some((name) => name === person.id || registry.person(name)?.id === person.id);
}
