import type { RespondParts } from "../../src/respond/index.js";

export const allow = { verdict: "allow", reason: "allowed", detail: "", violations: [], sanitize: [] } as const;

/** Of a call that passes as it came. */
export const parts: RespondParts = {
  decisionId: "01KJMK0000000000000000DEC1",
  computed: allow,
  enforced: allow,
  mode: "enforce",
  policyVersion: "sha256:9f2c",
  agentId: "bot",
  tool: "deploy-api",
  action: "deploy",
  headers: [],
  query: [],
  credentialHeader: "authorization",
  statusUrl: (id) => `https://c.example/v1/approvals/${id}`,
};
