import type { RecordDraft } from "../../src/audit/record.js";
import type { Question, Status } from "../../src/evidence/answer.js";
import { policyDraft, scratch } from "../audit/samples.js";
import { answered, answerOf, approved, attested, call, ending, refused, shadowed } from "./stories.js";

const dir = scratch();
const [one, two] = ["01J9ZQ3V6C5R8N2K4M7P0T1S01", "01J9ZQ3V6C5R8N2K4M7P0T1S02"];
const many = {
  aggregated: { count: 700, from: "2026-01-02T03:00:00.000Z", to: "2026-01-02T03:04:05.678Z", calls: [], others: 0 },
};
const counted = { ...many, session_attestation: null, data_classification: null, anomalies: null, opa_decision: null };
const before = (reason: string) => ({ found: [], before: [{ at: "2026-01-02T03:00:00.000Z", reason, detail: "a:b" }] });
const flagged = (more: object = {}) => attested({ anomalies_detected: true, ...more });

const clean = { dlp: { complete: true, hits: [] } };
function asked(input: object): Partial<ReturnType<typeof call>> {
  return { opa_decision: { policy_version: "sha256:9f2c", input: input as never, result: {} } };
}

type Row = [what: string, drafts: RecordDraft[], status: Status, says: RegExp];
const rows: Record<Question, Row[]> = {
  deployed: [
    ["one success", [call(), ending()], "yes", /^1 call let through: deploy-api:deploy .*succeeded with status 200\.$/],
    ["no outcome", [call()], "unknown", /no outcome is on record, so nobody can tell/],
    ["an outcome of another call", [call(), ending({ decision_id: one })], "unknown", /no outcome is on record/],
    ["a failure", [call(), ending({ outcome: "failed", status: 502 })], "no", /failed with status 502/],
    ["no answer", [call(), ending({ outcome: "unreached", status: null })], "unknown", /may have taken effect/],
    [
      "a failure, then a success",
      [
        call({ decision_id: one }),
        ending({ decision_id: one, outcome: "failed", status: 503 }),
        call({ decision_id: two, environment: "production" }),
        ending({ decision_id: two, status: 201 }),
      ],
      "partly",
      /staging\) failed with status 503 and .*production\) succeeded with status 201\.$/,
    ],
    ["nothing but refusals", [refused(), refused(counted)], "no", /^Nothing: no call was let through/],
  ],
  authorised: [
    ["no approval needed", [call()], "yes", /^It was agent deploy-manager, in a session started by vic.*asked for no/],
    [
      "several approvers",
      [answerOf("alice", { outcome: "recorded" }), answerOf("bob"), approved(["alice", "bob"])],
      "yes",
      /with the approval of alice and bob\.$/,
    ],
    ["shadow alone", [shadowed()], "no", /^Nobody: 1 call of agent .* in shadow mode although policies said no/],
    ["shadow and more", [shadowed(), call()], "partly", /; nobody authorised the rest: 1 call of agent deploy-manager/],
    [
      "an approval that was taken back before it was used",
      [
        answerOf("alice"),
        answerOf("bob", { decision: "revoke", outcome: "revoked" }),
        refused({ approval_id: "apr_1" }),
      ],
      "no",
      /no call was let through; people answered: alice \(approved\) and bob \(revoked\)\.$/,
    ],
    [
      "a revocation of an approval that was used all the same",
      [answerOf("alice"), answerOf("bob", { decision: "revoke", outcome: "revoked" }), approved(["alice"])],
      "unknown",
      /approvals that bob took back/,
    ],
    [
      "a revocation that came too late",
      [
        answerOf("alice"),
        answerOf("bob", { decision: "revoke", outcome: "revoked" }),
        approved(["alice"]),
        answerOf("bob", { decision: "revoke", outcome: "void" }),
      ],
      "yes",
      /with the approval of alice\.$/,
    ],
    ["nobody that is known", [call({ agent_id: null })], "unknown", /an agent that is not on record/],
  ],
  within_policy: [
    ["an allowed call", [call()], "yes", /^Yes: deploy-api:deploy \(environment staging\) was allowed/],
    [
      "with refusals before",
      [refused(), refused(counted), call()],
      "yes",
      /; 701 calls were stopped \(max_replicas\)\.$/,
    ],
    ["shadow alone", [shadowed()], "no", /^No: 1 call went through in shadow mode against policy \(max_replicas\)/],
    ["a rule that is not enforced", [shadowed({ mode: "enforce" })], "no", /went through without being enforced/],
    [
      "shadow, then an approval",
      [shadowed(), approved(["alice"], { environment: "production" })],
      "partly",
      /^Partly: .*production\) was allowed .* approval of alice; 1 call went through in shadow mode against policy/,
    ],
    ["no evaluation", [call({ opa_decision: null })], "unknown", /^Nobody can tell of .*: no evaluation is on record/],
    ["refusals alone", [refused(counted)], "no", /^No call was let through: policies said max_replicas\.$/],
  ],
  normal: [
    ["nothing", [call()], "yes", /^Yes: the session was clean, without an anomaly\.$/],
    ["a refusal", [refused(), call()], "yes", /clean; 1 call was refused \(max_replicas\), which alone is no anomaly/],
    [
      "a refusal before",
      [call({ session_attestation: flagged(), anomalies: before("max_replicas") })],
      "yes",
      /calls of it had been refused before \(max_replicas\)/,
    ],
    [
      "a new tool",
      [call({ session_attestation: flagged(), anomalies: { found: [{ reason: "new_tool" }], before: [] } })],
      "yes",
      /tools were used that are new/,
    ],
    [
      "another refused call of the session",
      [refused({ deployment_id: "another" }), call()],
      "yes",
      /1 call was refused/,
    ],
    [
      "an indicator",
      [call({ anomalies: { found: [{ reason: "prompt_injection" }], before: [] } })],
      "no",
      /with prompt_i/,
    ],
    ["an indicator before", [call({ anomalies: before("denied_burst") })], "no", /^No: .*with denied_burst\.$/],
    ["a refusal that is one", [refused({ reason: "scope_exceeded" }), call()], "no", /with scope_exceeded/],
    ["in shadow too", [shadowed({ reason: "outside_task" }), call()], "no", /with outside_task/],
    [
      "in another call of the session",
      [refused({ deployment_id: "another", reason: "unknown_tool" }), call()],
      "no",
      /with unknown_tool/,
    ],
    [
      "a suspect session",
      [call({ session_attestation: attested({ session_integrity: "suspect" }) })],
      "no",
      /was suspect/,
    ],
    ["anomalies that others attest", [call({ session_attestation: flagged() })], "no", /anomalies that others attest/],
    ["nothing known", [call({ session_attestation: null, anomalies: null })], "unknown", /do not say how the session/],
    ["refusals that were counted", [refused(counted), call()], "unknown", /Beside that 700 calls were refused/],
  ],
  sensitive: [
    ["none", [call()], "no", /^No: its calls are about config, .*nothing else before, and detectors found nothing\.$/],
    [
      "by the catalogue",
      [call({ data_classification: { tool: ["pii"], tags: [] } })],
      "yes",
      /its calls are about pii/,
    ],
    ["by a tag", [call({ data_classification: { tool: ["config"], tags: ["email"] } })], "yes", /about email\.$/],
    ["in a refused call", [refused({ data_classification: { tool: [], tags: ["ssn"] } })], "yes", /about ssn\.$/],
    [
      "of a tool that was not reached",
      [refused({ data_classification: { tool: ["pii"], tags: [] } })],
      "no",
      /about nothing/,
    ],
    [
      "in the session before",
      [call({ session_attestation: attested({ data_classification: ["pii"] }) })],
      "yes",
      /^Yes: the session had access to pii before\.$/,
    ],
    ["a hit", [call(asked({ dlp: { complete: true, hits: [{ detector: "iban" }] } }))], "yes", /detectors found iban/],
    [
      "a masked value",
      [call(asked({ ...clean, params: { note: "[secret]" } }))],
      "yes",
      /values of its calls were masked/,
    ],
    ["no detector", [call(asked({}))], "unknown", /no detector searched/],
    ["a search that was cut", [call(asked({ dlp: { complete: false, hits: [] } }))], "unknown", /no detector searched/],
    ["input that was too large", [call(asked({ omitted: true, sha256: "00", bytes: 9 }))], "unknown", /no detector/],
    [
      "a record without it",
      [call({ data_classification: null })],
      "unknown",
      /does not say what data its call is about/,
    ],
    [
      "no classification",
      [call({ data_classification: { tool: [], tags: [] } })],
      "unknown",
      /no classification in the/,
    ],
    ["no session", [call({ session_attestation: null })], "unknown", /before is not on record/],
  ],
};

describe.each(Object.entries(rows) as [Question, Row[]][])("%s", (question, cases) => {
  test.each(cases)("%s", async (_what, drafts, status, says) => {
    const found = await answered(dir.path(), question, [policyDraft("start"), ...drafts]);
    expect([found.status, found.answer]).toEqual([status, expect.stringMatching(says)]);
    expect(found.seqs.length).toBeGreaterThan(0);
  });
});
