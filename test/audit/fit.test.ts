import { maxLineBytes, sealWithin } from "../../src/audit/fit.js";
import type { DecisionRecord, RecordDraft } from "../../src/audit/record.js";
import { recordSchema } from "../../src/audit/record_schema.js";
import { canonicalJson, sha256Hex } from "../../src/canonical.js";
import { CanonicalBytes } from "../../src/canonical_bytes.js";
import {
  adminDraft,
  approvalDraft,
  decisionDraft,
  ed25519,
  noise,
  outcomeDraft,
  policyDraft,
  writerName,
} from "./samples.js";

const place = { seq: 1, prev: null, writer: writerName, key: ed25519 };
const large = noise(1_100_000);
const stub = (value: unknown) => {
  const text = canonicalJson(value);
  return { omitted: true, sha256: sha256Hex(text), bytes: Buffer.byteLength(text) };
};

/** The record as it is sealed: it fits, and it is what the schema says. */
function sealed(draft: RecordDraft): Record<string, unknown> {
  const room = new CanonicalBytes();
  room.raw("before");
  sealWithin(room, draft, place);
  const line = room.from("before".length);
  expect(line.length).toBeLessThanOrEqual(maxLineBytes);
  const record = JSON.parse(line.toString());
  expect(recordSchema.safeParse(record).error).toBeUndefined();
  return record;
}

const decision = { ...decisionDraft({}), fingerprint: null };

test("of a decision the input goes first, with its hash and size", () => {
  const input = { params: { blob: large } };
  expect(sealed(decisionDraft(input)).opa_decision).toEqual({
    policy_version: "sha256:9f2c",
    input: stub(input),
    result: { deny: false },
  });
});

test("then result and violations", () => {
  const violations = [{ rule: "max_replicas", actual: large }];
  expect(sealed({ ...decision, violations })).toMatchObject({
    violations: stub(violations),
    opa_decision: { result: { omitted: true } },
    reason: "allowed",
  });
});

test("then whatever text is long, of which the beginning stays", () => {
  const { bytes, sha256 } = stub(large);
  const { service, agent_id } = sealed({ ...decision, service: large });
  expect(service).toBe(`${large.slice(0, 4_096)}[omitted: ${bytes} bytes, sha256 ${sha256}]`);
  expect(agent_id).toBe("deploy-manager");
});

test("a text is never cut within a character", () => {
  const { detail } = sealed(policyDraft(`x${"\u{1f600}".repeat(600_000)}`));
  expect(detail).toMatch(/^x(\u{1f600})+\[omitted: /u);
});

const texts = Array.from({ length: 200_000 }, (_, i) => `policies/${i}.yaml`);
/** Every text that somebody may write, at its worst: one letter of it is six in JSON. */
const worst = "\u0001".repeat(180_000);
const much = worst.slice(0, 20_000);

const records: [string, RecordDraft][] = [
  ["files of policies", { ...policyDraft("a"), files: texts }],
  ["files with long names", { ...policyDraft("a"), files: Array(300).fill(worst.slice(0, 10_000)) }],
  ["why policies were refused", policyDraft(worst)],
  ["the reason of a roll-back, and who asked", { ...policyDraft(worst), by: worst }],
  ["a comment", approvalDraft({ comment: worst, approver: worst, agent_id: worst, session_id: worst })],
  ["the detail of an act", adminDraft({ detail: { scope: worst, task: { service: texts } } })],
  ["who acted", adminDraft({ by: worst, agent_id: worst })],
  [
    "what became of a call",
    outcomeDraft({ flags: texts, action: worst, environment: worst, service: worst, upstream: worst }),
  ],
  [
    "all that a call says",
    {
      ...(Object.fromEntries(
        Object.entries(decision).map(([name, value]) => [name, value === null ? much : value]),
      ) as unknown as DecisionRecord),
      opa_decision: { policy_version: "sha256:9f2c", input: much, result: texts },
      data_classification: { tool: texts, tags: texts },
      session_attestation: { data_classification: texts, initiated_by: much, role: much },
      anomalies: {
        found: [{ reason: "prompt_injection", marker: much, where: much }],
        before: Array(5).fill({ at: "2026-01-01T00:00:00Z", reason: "new_tool", detail: much }),
      },
      human_approval: Array(20).fill({ approver: much, timestamp: "2026-01-01T00:00:00Z", approval_id: much }),
      violations: [{ rule: "x", message: much }],
      http: { method: much, host: much, path: much },
      token: { iss: much, sub: much, jti: much, aud: much, scope: much, exp: 1 },
    } satisfies DecisionRecord,
  ],
];

test.each(records)("%s cannot make a record too large", (_, draft) => {
  expect(sealed(draft)).toMatchObject({ kind: draft.kind, timestamp: draft.timestamp });
});

test("a list that is cut says so where it can", () => {
  const { files } = sealed({ ...policyDraft("a"), files: texts }) as { files: string[] };
  expect(files).toHaveLength(129);
  expect(files.slice(0, 128)).toEqual(texts.slice(0, 128));
  expect(files.at(-1)).toBe(`[omitted: ${stub(texts).bytes} bytes, sha256 ${stub(texts).sha256}]`);
});

test("an act of which the detail is too large keeps its hash and size", () => {
  const detail = { scope: large };
  expect(sealed(adminDraft({ detail }))).toMatchObject({ act: "token_issued", detail: stub(detail) });
});
