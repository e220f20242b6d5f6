import type { routeAccess } from "../../../src/http/access.js";
import { auditQuery, spanQuery } from "../../../src/http/audit.js";
import { type Answered, answer, guarded, type Operation, problems, problemType } from "./operation.js";

const span = {
  from: "records since then: an RFC 3339 time, or a duration back such as 7d",
  to: "records before then",
};

const busy: Record<number, Answered> = {
  503: {
    description: "other searches are under way",
    content: { [problemType]: "Problem" },
    headers: { "retry-after": "seconds" },
  },
};

/** The routes of auditors. */
export const auditOperations = {
  "GET /v1/audit": {
    id: "searchAudit",
    summary: "Audit records, newest first",
    description:
      "A page can be short or empty and have a next one all the same, since one request reads only so much. Signatures and chains are not checked: `countersign audit verify` does that.",
    tag: "audit",
    query: {
      schema: auditQuery,
      says: {
        ...span,
        approver: "somebody who answered the approval, or one of those who approved the call",
        decision: "the computed verdict; of records of human answers, the answer",
        enforced: "what the call was answered",
        limit: "records to a page, 1 to 500",
        cursor: "`next` of the page before; with the same other parameters",
        ...Object.fromEntries(
          ["decision_id", "deployment_id", "agent_id", "session_id", "tool", "action", "service", "environment"].map(
            (name) => [name, "the whole value, as it was recorded"],
          ),
        ),
        reason: "one reason of the closed table",
        kind: "kind of record",
        approval_id: "of the approval that a call opened or used up, or that was answered",
        request_id: "Envoy's id of the stream",
      },
    },
    answers: { ...answer("AuditPage", "one page"), ...problems(400, ...guarded), ...busy },
  },
  "GET /v1/audit/scopes": {
    id: "compareScopes",
    summary: "What each agent was granted, and what of it it used",
    description: "Looks back 30 days, or as far as one request may read: `covered` says how far that is.",
    tag: "audit",
    query: { schema: spanQuery, says: span },
    answers: { ...answer("ScopesReport", "all agents, by id"), ...problems(400, ...guarded), ...busy },
  },
  "GET /v1/audit/deployments/:id": {
    id: "explainDeployment",
    summary: "The five answers about one deployment",
    description:
      "What was deployed, who authorised it, was it within policy, did the agent behave normally, did it touch sensitive data. Signatures of the records that the answers rest on are checked, the chain is not: `countersign audit answer` does that.",
    tag: "audit",
    path: { id: "`deployment_id` of the records, percent-encoded" },
    query: { schema: spanQuery, says: span },
    answers: { ...answer("DeploymentEvidence", "all five"), ...problems(400, 404, ...guarded), ...busy },
  },
} as const satisfies Partial<Record<keyof typeof routeAccess, Operation>>;
