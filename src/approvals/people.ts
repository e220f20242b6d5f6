import type { Person, Registry } from "../registry/registry.js";
import type { Approval } from "../store/store.js";
import { ApprovalError } from "./error.js";

type Requested = Pick<Approval, "agent" | "requestedBy">;
type Groups = Approval["approvers"];

/** The lists of groups that hold at a time, in milliseconds since the epoch: once it has escalated, those with more. */
export function approversAt(
  { approvers, escalation, openedAt }: Pick<Approval, "approvers" | "escalation" | "openedAt">,
  atMs: number,
): Groups {
  return escalation && atMs >= Date.parse(openedAt) + escalation.afterMs ? escalation.approvers : approvers;
}

/** Throws `ApprovalError` unless this person may answer: an approver, none of those who ask, and in the groups asked for. */
export function checkMayAnswer(registry: Registry, request: Requested & { approvers: Groups }, person: Person): void {
  if (!person.access.includes("approver")) throw new ApprovalError("not_approver");
  if (isRequester(registry, request, person)) throw new ApprovalError("self_approval");
  if (!isMember(request.approvers, person)) throw new ApprovalError("not_in_group", wanted(request.approvers));
}

/** True when the person is the agent or started its session, under any name the registry knows. */
export function isRequester(registry: Registry, { agent, requestedBy }: Requested, person: Person): boolean {
  const names = [agent, requestedBy.agent, requestedBy.initiated_by].filter((name) => name !== undefined);
  return names.some((name) => name === person.id || registry.person(name)?.id === person.id);
}

/** True when the person is in at least one group of every list. */
export function isMember(approvers: Groups, { groups }: Person): boolean {
  return approvers.every((list) => list.some((group) => groups.includes(group)));
}

function wanted(approvers: Groups): string {
  return `only members of ${approvers.map((list) => list.join(" or ")).join(", and of ")} answer this approval`;
}
