import type { DecisionRecord } from "../../src/audit/record.js";
import type { Violation } from "../../src/verdict.js";

/** A record of a decision, as it is appended. */
export function decisionRecord(more: Partial<DecisionRecord> = {}): DecisionRecord {
  return {
    kind: "decision",
    decision_id: "01KJMK0000000000000000DEC1",
    timestamp: "2026-03-01T12:00:30.000Z",
    deployment_id: "dep-1",
    workflow_run_id: null,
    session_id: "ses-1",
    agent_id: "deploy-manager",
    agent_model: null,
    tool: "deploy-api",
    action: "deploy",
    environment: "staging",
    service: "shop",
    image_tag: null,
    fingerprint: null,
    opa_decision: null,
    session_attestation: null,
    data_classification: null,
    anomalies: null,
    human_approval: null,
    decision: "allow",
    enforced: "allow",
    mode: "enforce",
    reason: "allowed",
    violations: [],
    approval_id: null,
    outcome: "allowed",
    latency_us: 400,
    trace_id: null,
    request_id: null,
    http: null,
    token: null,
    ...more,
  };
}

type View = { verdict: DecisionRecord["decision"]; rules: string[] };

/** What the policies said: with every rule, and with those that are enforced. */
export function judged(decision: View, enforced: View): NonNullable<DecisionRecord["opa_decision"]> {
  const view = ({ verdict, rules }: View) => {
    const violations = rules.map((rule): Omit<Violation, "message"> => ({ rule, limit: 5, actual: 50 }));
    return { verdict, reason: rules[0] ?? "allowed", violations, sanitize: [], redeems: false };
  };
  const result = { decision: view(decision), enforced: view(enforced) };
  return { policy_version: "sha256:9f2c", input: {}, result: JSON.parse(JSON.stringify(result)) };
}
