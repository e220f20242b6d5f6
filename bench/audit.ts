/** `make bench-parts`: how many records a second the audit trail takes, by how many wait at once, and how fast they are verified. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DecisionRecord } from "../src/audit/record.js";
import { verifyFiles } from "../src/audit/verify.js";
import { openWriter } from "../src/audit/writer.js";
import { generateKey } from "../src/keys/keys.js";
import { type SigningKey, signingKeyOf } from "../src/keys/signing_key.js";

const rounds = 5;
const records = 4_000;

/** Of the size that a real decision about a deploy has. */
function decision(n: number): DecisionRecord {
  const at = new Date(Date.UTC(2026, 2, 1) + n).toISOString();
  return {
    kind: "decision",
    decision_id: `decision-${n}`,
    timestamp: at,
    deployment_id: `deployment-${n}`,
    workflow_run_id: "run-1",
    session_id: "session-1",
    agent_id: "deploy-manager",
    agent_model: "some-model-1",
    tool: "deploy-api",
    action: "deploy",
    environment: "staging",
    service: "shop",
    image_tag: null,
    fingerprint: "0".repeat(64),
    opa_decision: {
      policy_version: `sha256:${"0".repeat(64)}`,
      input: { agent: "deploy-manager", params: { replicas: n % 50, note: "x".repeat(600) } },
      result: { decision: { verdict: "allow", reason: "ok", violations: [] } },
    },
    session_attestation: { session_id: "session-1", session_integrity: "clean" },
    data_classification: null,
    anomalies: { found: [], before: [] },
    human_approval: null,
    decision: "allow",
    enforced: "allow",
    mode: "enforce",
    reason: "ok",
    violations: [],
    approval_id: null,
    outcome: "allowed",
    latency_us: 400,
    trace_id: "0".repeat(32),
    request_id: `request-${n}`,
    http: { method: "POST", host: "deploy.internal", path: "/v1/deploy" },
    token: null,
  };
}

interface Setting {
  key: SigningKey;
  durability: "write" | "fsync";
  /** Records that wait at the same time, as calls in flight do. */
  waiting: number;
}

/** Records a second that are appended, and then verified. */
async function once({ key, durability, waiting }: Setting): Promise<{ appended: number; verified: number }> {
  const dir = await mkdtemp(join(tmpdir(), "countersign-bench-"));
  try {
    const writer = await openWriter({ dir, worker: 1, key, durability });
    let next = 0;
    const began = performance.now();
    const oneAfterTheOther = async (): Promise<void> => {
      while (next < records) await writer.append(decision(next++));
    };
    await Promise.all(Array.from({ length: waiting }, oneAfterTheOther));
    const written = performance.now();
    await writer.close();
    const from = performance.now();
    const { problems } = await verifyFiles([dir], [key]);
    if (problems.length > 0) throw new Error("the chain does not hold");
    return {
      appended: records / ((written - began) / 1000),
      verified: records / ((performance.now() - from) / 1000),
    };
  } finally {
    await rm(dir, { recursive: true });
  }
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

const ed25519 = await signingKeyOf(generateKey("OKP", "audit"));
const hmac = await signingKeyOf(generateKey("oct", "audit"));
const settings: [string, Setting][] = [
  ["Ed25519, write, 1 waits", { key: ed25519, durability: "write", waiting: 1 }],
  ["Ed25519, write, 16 wait", { key: ed25519, durability: "write", waiting: 16 }],
  ["Ed25519, write, 256 wait", { key: ed25519, durability: "write", waiting: 256 }],
  ["Ed25519, fsync, 1 waits", { key: ed25519, durability: "fsync", waiting: 1 }],
  ["Ed25519, fsync, 256 wait", { key: ed25519, durability: "fsync", waiting: 256 }],
  ["HMAC, write, 256 wait", { key: hmac, durability: "write", waiting: 256 }],
];
const found = settings.map(() => ({ appended: [] as number[], verified: [] as number[] }));
// In turns, so that what else the machine does falls on all of them.
for (let round = 0; round < rounds; round++) {
  for (const [i, [, setting]] of settings.entries()) {
    const { appended, verified } = await once(setting);
    found[i]?.appended.push(appended);
    found[i]?.verified.push(verified);
  }
}

console.log(`\nAudit trail, ${records} records a round, median of ${rounds} rounds in turns`);
console.log(`${"".padEnd(28)}${"appended/s".padStart(12)}${"ratio".padStart(8)}${"verified/s".padStart(14)}`);
const [first] = found.map(({ appended }) => median(appended));
for (const [i, [name]] of settings.entries()) {
  const [appended, verified] = [median(found[i]?.appended ?? []), median(found[i]?.verified ?? [])];
  const ratio = (appended / (first ?? 1)).toFixed(2);
  console.log(
    `${name.padEnd(28)}${appended.toFixed(0).padStart(12)}${`x${ratio}`.padStart(8)}${verified.toFixed(0).padStart(14)}`,
  );
}
