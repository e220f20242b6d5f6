import type { routeAccess } from "../../../src/http/access.js";
import { showQuery as approvalQuery, listQuery } from "../../../src/http/approvals.js";
import { showQuery as sessionQuery } from "../../../src/http/sessions.js";
import { usageQuery } from "../../../src/http/usage.js";
import { auditOperations } from "./audit_operations.js";
import { dashboardOperations } from "./dashboard.js";
import {
  type Answered,
  answer,
  form,
  guarded,
  json,
  type Operation,
  posted,
  problems,
  problemType,
} from "./operation.js";
import { pageOperations } from "./page_operations.js";
import { tokenOperations } from "./token_operations.js";

const denied = (description: string, headers: Record<string, string> = {}): Answered => ({
  description,
  content: { [problemType]: "CallRefused" },
  headers: {
    "x-countersign-decision": "the verdict",
    "x-countersign-decision-id": "by which its audit record is found",
    ...headers,
  },
});

const approvalId = { id: "id of the approval, apr_..." };
const agentId = { id: "id of the agent; percent-encode the slashes in it" };

/** Every route. The names of path parameters are those of the routes. */
export const operations: Record<keyof typeof routeAccess, Operation> = {
  "GET /healthz": {
    id: "getHealth",
    summary: "Whether the process answers",
    tag: "operation",
    answers: { ...answer("Health", "it does"), ...problems(500) },
  },
  "GET /readyz": {
    id: "getReadiness",
    summary: "Whether the authorizer can decide",
    description: "Details are for people with access viewer or admin.",
    tag: "operation",
    answers: {
      ...answer("Ready", "it can"),
      ...problems(500),
      503: { description: "it cannot", content: { [problemType]: "NotReady" } },
    },
  },
  "GET /metrics": {
    id: "getMetrics",
    summary: "Metrics for Prometheus",
    tag: "operation",
    answers: {
      200: { description: "Prometheus text format", content: { "text/plain": "text" } },
      ...problems(...guarded),
    },
  },
  "GET /v1/log": {
    id: "getLogLevel",
    summary: "How much is logged",
    tag: "operation",
    answers: { ...answer("LogLevel", "the least level that is logged"), ...problems(409, ...guarded) },
  },
  "PUT /v1/log": {
    id: "setLogLevel",
    summary: "Log more or less, for good or for a while",
    description: "Recorded before it takes effect. Without `for` it holds until the server ends.",
    tag: "operation",
    body: {
      type: json,
      schema: "LogLevelChange",
      required: true,
      examples: { forGood: { level: "warn" }, forAWhile: { level: "debug", for: "10m" } },
    },
    answers: { ...answer("LogLevel", "it is so now"), ...problems(409, ...posted) },
  },
  "GET /openapi.json": {
    id: "getOpenApi",
    summary: "This document",
    tag: "operation",
    answers: { ...answer("Document", "OpenAPI 3.1"), ...problems(500) },
  },
  "POST /v1/check": {
    id: "checkCall",
    summary: "The decision for a call that no Envoy sees",
    description:
      "A pass is 200. A denial has the status that the agent would get from Envoy, so that a client which looks at the status alone fails closed. With a policy's hold the answer waits for people.",
    tag: "decisions",
    headers: {
      "x-countersign-override": "the one-time token of an approval",
      "x-session-attestation": "what another governance layer says of the session",
    },
    body: {
      type: json,
      schema: "CallDescription",
      required: true,
      examples: {
        function: { tool: "shell", action: "run", environment: "staging", params: { jobs: 2 } },
        destination: { tool: "shell", action: "crawl", destination: "db.internal:5432" },
      },
    },
    answers: {
      ...answer("CallPassed", "the call may go on"),
      400: denied("what is described has no one reading"),
      401: denied("the agent is not proven", { "www-authenticate": "the scheme to use" }),
      403: denied("denied, or people have to approve"),
      413: { description: "the body is larger than 64 KiB", content: { [problemType]: "Problem" } },
      415: denied("the body is not application/json"),
      429: denied("a limit", {
        "retry-after": "seconds",
        ratelimit: "what is left",
        "ratelimit-policy": "what is permitted",
      }),
      ...problems(500),
      503: denied("the authorizer cannot decide"),
    },
  },
  "GET /v1/approvals": {
    id: "listApprovals",
    summary: "Approvals, newest first; pending ones in the order in which they expire",
    tag: "approvals",
    query: {
      schema: listQuery,
      says: { status: "only these", agent: "only of this agent", limit: "1 to 1000; 100 by default" },
    },
    answers: { ...answer("Approvals", "those that match"), ...problems(400, 503, ...guarded) },
  },
  "GET /v1/approvals/:id": {
    id: "getApproval",
    summary: "One approval; for the agent that asked, with the override token once it is approved",
    tag: "approvals",
    path: approvalId,
    query: {
      schema: approvalQuery,
      says: { wait: "a duration such as 30s: waits that long, at most 60s, while it is pending" },
    },
    answers: { ...answer("Approval", "as it is"), ...problems(400, 404, 503, ...guarded) },
  },
  "POST /v1/approvals/:id/decision": {
    id: "decideApproval",
    summary: "Approve or deny",
    tag: "approvals",
    path: approvalId,
    body: {
      type: json,
      schema: "ApprovalAnswer",
      required: true,
      examples: { approve: { decision: "approve" }, deny: { decision: "deny", comment: "not on a Friday" } },
    },
    answers: { ...answer("Approval", "with the answer"), ...problems(404, 409, 410, ...posted) },
  },
  "POST /v1/approvals/:id/revoke": {
    id: "revokeApproval",
    summary: "Take an approval back before it is used, or end one that waits",
    tag: "approvals",
    path: approvalId,
    body: {
      type: json,
      schema: "ApprovalRevocation",
      required: false,
      examples: { revoke: {}, told: { comment: "the release is off" } },
    },
    answers: { ...answer("Approval", "with the answer"), ...problems(404, 409, 410, ...posted) },
  },
  "POST /v1/integrations/slack/interactions": {
    id: "answerBySlack",
    summary: "Somebody clicked on a button of a Slack message",
    description:
      "For Slack only, which signs the request (x-slack-signature) and the time of it (x-slack-request-timestamp): at most 5 minutes from now, and each request once. The answer does not say what became of the approval; the person is told in Slack.",
    tag: "approvals",
    headers: {
      "x-slack-signature": "v0=<hex of HMAC-SHA-256>",
      "x-slack-request-timestamp": "seconds since the epoch",
    },
    body: {
      type: form,
      schema: "SlackInteraction",
      required: true,
      examples: { click: { payload: '{"type":"block_actions"}' } },
    },
    answers: {
      200: { description: "it was looked at" },
      ...problems(400, 401, 403, 404, 413, 415, 500, 503),
      413: { description: "the body is larger than 256 KiB", content: { [problemType]: "Problem" } },
      415: { description: `the body is not ${form}`, content: { [problemType]: "Problem" } },
    },
  },
  ...pageOperations,
  "GET /v1/usage/:id": {
    id: "getUsage",
    summary: "What an agent has used of its limits, and what is left",
    description: "Agents see themselves, in the session of their credential.",
    tag: "agents",
    path: agentId,
    query: { schema: usageQuery, says: { session: "whose session budget is wanted" } },
    answers: {
      ...answer("Usage", "used, left, how fast, and when nothing will be left"),
      ...problems(400, 404, 503, ...guarded),
    },
  },
  ...dashboardOperations,
  "GET /v1/sessions/:id/attestation": {
    id: "attestSession",
    summary: "What Countersign says of a session, signed",
    description:
      "With `accept: application/jwt` the signature alone, which is the whole of it. Agents see their own session.",
    tag: "sessions",
    path: { id: "id of the session" },
    query: { schema: sessionQuery, says: { agent: "whose session; needed where several agents have one of this id" } },
    answers: {
      200: {
        description: "the attestation",
        content: { [json]: "SessionAttestation", "application/jwt": "text" },
      },
      ...problems(400, 404, 503, ...guarded),
      409: { description: "several agents have such a session", content: { [problemType]: "SessionAmbiguous" } },
    },
  },
  "POST /v1/agents": {
    id: "createAgent",
    summary: "Register an agent; its API key is in this answer only",
    tag: "agents",
    body: {
      type: json,
      schema: "NewAgent",
      required: true,
      examples: { nightly: { id: "nightly", model: "some-model-1", scopes: ["reports:read"], roles: ["batch"] } },
    },
    answers: {
      201: {
        description: "registered",
        content: { [json]: "AgentWithKey" },
        headers: { location: "where the agent is seen" },
      },
      ...problems(409, ...posted),
    },
  },
  "GET /v1/agents": {
    id: "listAgents",
    summary: "All agents, by id",
    tag: "agents",
    answers: { ...answer("Agents", "those of agents.yaml and of the API"), ...problems(503, ...guarded) },
  },
  "GET /v1/agents/:id": {
    id: "getAgent",
    summary: "One agent",
    tag: "agents",
    path: agentId,
    answers: { ...answer("Agent", "as it is"), ...problems(404, 503, ...guarded) },
  },
  "POST /v1/agents/:id/disable": {
    id: "disableAgent",
    summary: "Refuse an agent, on every process within a second",
    tag: "agents",
    path: agentId,
    body: { type: json, schema: "Nothing", required: false, examples: { nothing: {} } },
    answers: { ...answer("Agent", "as it is now"), ...problems(404, 409, ...posted) },
  },
  "POST /v1/agents/:id/enable": {
    id: "enableAgent",
    summary: "Let an agent act again",
    tag: "agents",
    path: agentId,
    body: { type: json, schema: "Nothing", required: false, examples: { nothing: {} } },
    answers: { ...answer("Agent", "as it is now"), ...problems(404, 409, ...posted) },
  },
  "POST /v1/agents/:id/rotate-key": {
    id: "rotateAgentKey",
    summary: "Replace the API keys of an agent; the new one is in this answer only",
    tag: "agents",
    path: agentId,
    body: {
      type: json,
      schema: "KeyRotation",
      required: false,
      examples: { atOnce: {}, overlapping: { keep_old_for: "10m" } },
    },
    answers: { ...answer("AgentWithKey", "with the new key"), ...problems(404, 409, ...posted) },
  },
  "GET /v1/policies": {
    id: "listPolicyVersions",
    summary: "The version of the policies in force, and those before",
    tag: "policies",
    answers: { ...answer("Policies", "newest first"), ...problems(...guarded) },
  },
  "POST /v1/policies/rollback": {
    id: "rollBackPolicies",
    summary: "Go back to an earlier version",
    tag: "policies",
    body: {
      type: json,
      schema: "PolicyRollback",
      required: true,
      examples: { back: { version: "sha256:9f2c1a77", reason: "blocks deployments" } },
    },
    answers: { ...answer("PoliciesInForce", "it is in force"), ...problems(404, 409, ...posted) },
  },
  "POST /v1/policies/release": {
    id: "releasePolicies",
    summary: "Put what the policy files say in force again",
    tag: "policies",
    body: {
      type: json,
      schema: "PolicyRelease",
      required: true,
      examples: { release: {}, told: { reason: "mended" } },
    },
    answers: { ...answer("PoliciesInForce", "it is in force"), ...problems(409, ...posted) },
  },
  "GET /bundles/countersign.tar.gz": {
    id: "getPolicyBundle",
    summary: "The policies in force as an OPA bundle",
    tag: "policies",
    headers: { "if-none-match": "the etag of the bundle that the caller has" },
    answers: {
      200: {
        description: "the bundle",
        content: { "application/gzip": "bytes" },
        headers: { etag: "the version of the policies" },
      },
      304: { description: "the caller has it", headers: { etag: "the version of the policies" } },
      ...problems(...guarded),
    },
  },
  ...auditOperations,
  ...tokenOperations,
};
