import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linkTo } from "../../src/audit/chain.js";
import type {
  AdminRecord,
  ApprovalRecord,
  DecisionRecord,
  OutcomeRecord,
  PolicyRecord,
} from "../../src/audit/record.js";
import { isWriterName } from "../../src/audit/segments.js";
import type { WriterOptions } from "../../src/audit/writer.js";
import type { Jwk } from "../../src/keys/jwk.js";
import { type SigningKey, signingKeyOf } from "../../src/keys/signing_key.js";
import { seal } from "./sealed.js";

export { segmentFor as segment } from "../../src/audit/segments.js";

/** RFC 8032 section 7.1, test 1, as RFC 8037 appendix A.1 writes it. */
export const ed25519 = await signingKeyOf({
  kty: "OKP",
  crv: "Ed25519",
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
});

export const hmac = await signingKeyOf({
  kty: "oct",
  k: Buffer.from("an HMAC key of 32 bytes, no more").toString("base64url"),
});

export const stranger = await signingKeyOf({
  ...(generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" }) as Jwk),
});

export const keys: [string, SigningKey][] = [
  ["Ed25519", ed25519],
  ["HMAC", hmac],
];

export const writerName = "w1-01J9ZQ3V6C5R8N2K4M7P0T1S6X";

/** A small record; `detail` makes it tell itself from others. */
export function policyDraft(detail: string): PolicyRecord {
  return {
    kind: "policy",
    timestamp: "2026-01-02T03:04:05.678Z",
    event: "loaded",
    policy_version: null,
    previous_version: null,
    files: [],
    detail,
  };
}

/** The largest kind of record. */
export function decisionDraft(input: NonNullable<DecisionRecord["opa_decision"]>["input"]): DecisionRecord {
  return {
    kind: "decision",
    decision_id: "01J9ZQ3V6C5R8N2K4M7P0T1S6Y",
    timestamp: "2026-01-02T03:04:05.678Z",
    deployment_id: null,
    workflow_run_id: "run-7",
    session_id: "s-1",
    agent_id: "deploy-manager",
    agent_model: null,
    tool: "deploy-api",
    action: "deploy",
    environment: "staging",
    service: null,
    image_tag: null,
    fingerprint: null,
    opa_decision: { policy_version: "sha256:9f2c", input, result: { deny: false } },
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
    latency_us: 812,
    trace_id: null,
    request_id: null,
    http: null,
    token: null,
  };
}

export function approvalDraft(more: Partial<ApprovalRecord> = {}): ApprovalRecord {
  return {
    kind: "approval",
    timestamp: "2026-01-02T03:04:05.678Z",
    approval_id: "apr_1",
    agent_id: "deploy-manager",
    session_id: "s-1",
    deployment_id: "d-1",
    fingerprint: "f-1",
    approver: "alice@example.com",
    decision: "approve",
    comment: null,
    outcome: "approved",
    proof: "a.b.c",
    ...more,
  };
}

export function adminDraft(more: Partial<AdminRecord> = {}): AdminRecord {
  return {
    kind: "admin",
    timestamp: "2026-01-02T03:04:05.678Z",
    act: "token_issued",
    by: "agent:deploy-manager",
    agent_id: "deploy-manager",
    detail: { jti: "1" },
    ...more,
  };
}

export function outcomeDraft(more: Partial<OutcomeRecord> = {}): OutcomeRecord {
  return {
    kind: "outcome",
    timestamp: "2026-01-02T03:04:05.678Z",
    decision_id: "01J9ZQ3V6C5R8N2K4M7P0T1S6Y",
    deployment_id: "d-1",
    session_id: "s-1",
    agent_id: "deploy-manager",
    tool: "deploy-api",
    action: "deploy",
    environment: "staging",
    service: null,
    request_id: "r-1",
    outcome: "succeeded",
    status: 200,
    flags: [],
    duration_us: 1_200,
    upstream: "127.0.0.1:8080",
    ...more,
  };
}

/** Lines of a valid chain of `count` small records. */
export function chainOf(count: number, key: SigningKey, writer = writerName): string[] {
  const lines: string[] = [];
  for (let seq = 1; seq <= count; seq++) {
    const before = lines.at(-1);
    lines.push(seal(policyDraft(`${seq}`), { seq, prev: before ? linkTo(before) : null, writer, key }));
  }
  return lines;
}

/** A directory of its own for each test of a file, and its removal. */
export function scratch(): { path: () => string } {
  const made: string[] = [];
  beforeEach(async () => {
    made.push(await mkdtemp(join(tmpdir(), "audit-")));
  });
  // Only when every test has closed what it opened: an archiver that is still at work would write into what is removed.
  afterAll(() => Promise.all(made.map((path) => rm(path, { recursive: true, force: true, maxRetries: 5 }))));
  return { path: () => made.at(-1) ?? "" };
}

export function optionsFor(dir: string, more: Partial<WriterOptions> = {}): WriterOptions {
  // The records of these tests are as old as their timestamps say.
  const maxSegmentAgeMs = 100 * 365 * 24 * 3_600_000;
  return { dir, worker: 1, key: ed25519, durability: "write", maxSegmentAgeMs, ...more };
}

/** Folder of the only writer in an audit directory. */
export async function folderIn(dir: string): Promise<string> {
  const folders = (await readdir(dir)).filter((name) => isWriterName(name));
  if (folders.length !== 1) throw new Error(`one writer expected, not ${folders.join(", ")}`);
  return join(dir, String(folders[0]));
}

/** Contents of a writer's folder, by file name, without the empty segment that a close leaves for the next record. */
export async function recordsOf(folder: string): Promise<Record<string, string>> {
  const files = Object.entries(await contentsOf(folder));
  return Object.fromEntries(files.filter(([, text]) => text !== ""));
}

/** Contents of a writer's folder, by file name. */
export async function contentsOf(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const)),
  );
}

export async function put(folder: string, files: Record<string, string | Uint8Array>): Promise<void> {
  await Promise.all(Object.entries(files).map(([name, content]) => writeFile(join(folder, name), content)));
}

export function noise(bytes: number): string {
  return randomBytes(bytes / 2).toString("hex");
}
