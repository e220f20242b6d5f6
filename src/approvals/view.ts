import type { Json } from "../call.js";
import { fromMicro } from "../money.js";
import type { Escalation } from "../outcome.js";
import type { Person } from "../registry/registry.js";
import type { Approval, ApprovalStatus } from "../store/store.js";
import type { Violation } from "../verdict.js";
import type { ApprovalLink } from "./link.js";
import { shownDigest } from "./proof.js";
import type { Risk } from "./risk.js";

/** Who looks at an approval: a person whose access was checked, who opened a link to it, or an agent in a session. */
export type Viewer =
  | { kind: "person"; person: Person }
  | { kind: "link"; link: ApprovalLink }
  | { kind: "agent"; agent: string; session: string };

/** What the HTTP API shows of an approval. Times are RFC 3339 UTC. */
export interface ApprovalView {
  id: string;
  status: ApprovalStatus;
  call: Json;
  /** `shownDigest` of the request: an answer that brings it is an answer to exactly this one. */
  shown: string;
  reason: string;
  violations: readonly Violation[];
  requested_by: { agent: string; initiated_by?: string };
  /** Distinct people that have to approve. */
  quorum: number;
  /** Lists of groups: who answers is in at least one group of every list. */
  approvers: readonly (readonly string[])[];
  /** When further groups may answer, and which are told then; absent = never. */
  escalation?: { at: string; to: readonly string[]; approvers: readonly (readonly string[])[] };
  /** What the call takes from budgets when it is let through, in the budget's unit. */
  cost: number;
  created_at: string;
  expires_at: string;
  decisions: { approver: string; decision: "approve" | "deny" | "revoke"; comment?: string; at: string }[];
  /** For people, and for who opened a link to it. */
  risk?: Risk;
  /** Only for the agent that asked, in the session that asked, while the approval can be redeemed. */
  override_token?: string;
}

/** The view without the token. */
export function describe(approval: Approval): ApprovalView {
  return {
    id: approval.id,
    status: approval.status,
    call: approval.call,
    shown: shownDigest(approval),
    reason: approval.reason,
    violations: approval.violations,
    requested_by: approval.requestedBy,
    quorum: approval.quorum,
    approvers: approval.approvers,
    ...(approval.escalation && { escalation: escalationOf(approval, approval.escalation) }),
    cost: fromMicro(approval.costMicro),
    created_at: new Date(approval.createdAtMs).toISOString(),
    expires_at: new Date(approval.expiresAtMs).toISOString(),
    decisions: approval.answers.map(({ approver, decision, comment, at }) => ({
      approver,
      decision,
      ...(comment === undefined ? {} : { comment }),
      at,
    })),
  };
}

function escalationOf(approval: Approval, { afterMs, to, approvers }: Escalation) {
  return { at: new Date(Date.parse(approval.openedAt) + afterMs).toISOString(), to, approvers };
}

/** People see every approval, agents only their own, a link its one; to others it does not exist. */
export function maySee({ id, agent }: Approval, viewer: Viewer): boolean {
  switch (viewer.kind) {
    case "person":
      return true;
    case "link":
      return viewer.link.id === id;
    case "agent":
      return viewer.agent === agent;
    default:
      return viewer satisfies never;
  }
}
