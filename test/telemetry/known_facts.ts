import type { DecisionFacts } from "../../src/telemetry/facts.js";

/** What telemetry is told of a call that shadow lets through. */
export const knownFacts: DecisionFacts = {
  decisionId: "01JD0000000000000000000000",
  agentId: "deploy-manager",
  sessionId: "ses_1",
  tool: "deploy-api",
  action: "deploy",
  environment: "staging",
  http: { method: "POST", host: "deploy.internal", port: 443 },
  decision: "deny",
  enforced: "allow",
  reason: "max_replicas",
  rules: ["max_replicas"],
  mode: "shadow",
  policyVersion: "sha256:9f2c",
  latencyUs: 412,
  startedUs: 1_000_000,
  slow: [],
  dailyBudget: null,
  failures: [],
};
