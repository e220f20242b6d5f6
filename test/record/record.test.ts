import { AuditUnavailable, type RecordDraft } from "../../src/audit/record.js";
import { createMasker, decisionRecord, type RecordParts, record } from "../../src/record/index.js";
import { Refusal } from "../../src/refusal.js";
import { attestedSession, call, identity, Records } from "../approvals/fixture.js";
import { callOf, jwt, maskerOf } from "./fixture.js";

const nothingKnown: RecordParts = {
  decisionId: "01KJMK0000000000000000DEC1",
  nowMs: Date.parse("2026-03-01T12:00:00.250Z"),
  latencyUs: 812,
  traceId: null,
  request: null,
  identity: null,
  call: null,
  session: null,
  anomalies: null,
  proven: null,
  fingerprint: null,
  evaluation: null,
  redeemed: null,
  computed: { verdict: "deny", reason: "malformed_request", violations: [] },
  enforced: { verdict: "deny" },
  mode: "enforce",
  mask: createMasker({}),
};

const known: RecordParts = {
  ...nothingKnown,
  traceId: "5b8efff798038103d269b633813fc60c",
  identity: identity("deploy-manager"),
  call,
  session: attestedSession,
  fingerprint: "sha256:f",
  computed: { verdict: "allow", reason: "allowed", violations: [] },
  enforced: { verdict: "allow" },
};

test("of a call of which nothing is known everything is there, and null", () => {
  const { decision, enforced, mode, reason, violations, outcome, ...rest } = decisionRecord(nothingKnown);
  expect({ decision, enforced, mode, reason, violations, outcome }).toEqual({
    decision: "deny",
    enforced: "deny",
    mode: "enforce",
    reason: "malformed_request",
    violations: [],
    outcome: "denied",
  });
  const { kind, decision_id, timestamp, latency_us, ...unknown } = rest;
  expect({ kind, decision_id, timestamp, latency_us }).toEqual({
    kind: "decision",
    decision_id: "01KJMK0000000000000000DEC1",
    timestamp: "2026-03-01T12:00:00.250Z",
    latency_us: 812,
  });
  expect(new Set(Object.values(unknown))).toEqual(new Set([null]));
  expect(Object.keys(unknown)).toEqual(expect.arrayContaining(["agent_id", "opa_decision", "token", "human_approval"]));
});

test("a call is recorded as what it was decoded to", () => {
  expect(decisionRecord(known)).toMatchObject({
    agent_id: "deploy-manager",
    tool: "deploy-api",
    action: "deploy",
    environment: "production",
    service: "shop",
    deployment_id: "dep-1",
    session_id: "abc-123",
    session_attestation: attestedSession,
    fingerprint: "sha256:f",
    outcome: "allowed",
    trace_id: "5b8efff798038103d269b633813fc60c",
  });
});

test.each([
  ["the call's own", known, "dep-1"],
  ["else the decision's", { ...known, call: { ...call, deployment_id: null } }, "01KJMK0000000000000000DEC1"],
  [
    "of the approved call when one is redeemed",
    { ...known, redeemed: { id: "apr_1", deploymentId: "dep-0", humans: [] } },
    "dep-0",
  ],
])("the deployment id is %s", (_, parts, wanted) => {
  expect(decisionRecord(parts).deployment_id).toBe(wanted);
});

test.each([
  ["allow", "allowed"],
  ["sanitize", "allowed"],
  ["approval_needed", "pending"],
  ["deny", "denied"],
] as const)("what was answered, not what was found, is the outcome: %s is %s", (verdict, outcome) => {
  const found = { verdict: "deny", reason: "max_n", violations: [] } as const;
  expect(decisionRecord({ ...known, computed: found, enforced: { verdict } })).toMatchObject({
    decision: "deny",
    enforced: verdict,
    outcome,
  });
});

test("an approval is named whether it is asked for or redeemed", () => {
  const humans = [{ approver: "bob@example.com", timestamp: "2026-03-01T12:00:00.000Z", approval_id: "apr_1" }];
  const asked = { ...known, computed: { ...known.computed, approval: { id: "apr_1" } } };
  expect(decisionRecord(asked)).toMatchObject({ approval_id: "apr_1", human_approval: null });
  const redeemed = { ...known, redeemed: { id: "apr_1", deploymentId: "dep-1", humans } };
  expect(decisionRecord(redeemed)).toMatchObject({ approval_id: "apr_1", human_approval: humans });
});

test("every word of the call is masked, in whichever field the catalogue put it", () => {
  const parts = { params: { ssn: "123456789", to: "ada@example.com" }, path: "/v1/123456789" };
  const words = {
    action: "to ada@example.com",
    environment: "123456789",
    service: "ada@example.com",
    image_tag: jwt,
    deployment_id: "dep-123456789",
  };
  const request = {
    id: "stream-1",
    method: "POST",
    scheme: "https" as const,
    authority: "123456789.internal",
    target: "/v1/%3123456789/ada%40example.com?ssn=123456789",
    headers: [],
    body: new Uint8Array(),
    bodyAnnounced: false,
  };
  const record = decisionRecord({ ...known, request, call: { ...callOf(parts), ...words }, mask: maskerOf(parts) });
  expect(record).toMatchObject({
    action: "to [email]",
    environment: "123456789",
    service: "[email]",
    image_tag: "[jwt]",
    deployment_id: "dep-123456789",
    http: { method: "POST", host: "[ssn].internal", path: "/v1/[ssn]/[email]" },
  });
});

describe("the stage", () => {
  test("appends exactly one record", async () => {
    const sink = new Records();
    await record(known, sink);
    expect(sink.kept).toEqual([decisionRecord(known)]);
  });

  test("refuses when it cannot be written, and keeps the cause for the log", async () => {
    const sink = new Records();
    sink.broken = true;
    const error = await record(known, sink).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Refusal);
    expect(error).toMatchObject({ reason: "audit_unavailable", detail: "the decision could not be recorded" });
    expect((error as Refusal).cause).toBeInstanceOf(AuditUnavailable);
  });

  test("refuses when the record cannot even be made", async () => {
    const appended: RecordDraft[] = [];
    const sink = {
      append: async (draft: RecordDraft) => void appended.push(draft),
      trouble: () => null,
      close: async () => {},
    };
    const error = await record({ ...known, nowMs: Number.NaN }, sink).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ reason: "audit_unavailable" });
    expect(appended).toEqual([]);
  });
});
