/** `tsx bench/backtest.ts [records]`: how many recorded calls a second are judged again, and reported on. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findRecords } from "../src/audit/read.js";
import { backtest } from "../src/backtest/backtest.js";
import { createEngine } from "../src/evaluate/engine.js";
import { compilePolicySet, type PolicySet } from "../src/policies/policy_set.js";
import { loadProgram } from "../src/policies/program.js";
import { shadowReport } from "../src/report/report.js";

const program = loadProgram();
const records = Number(process.argv[2] ?? 100_000);
const agents = 20;
const always = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };

function policies(limit: number): Promise<PolicySet> {
  const texts = Array.from({ length: agents }, (_, i) => ({
    file: `${i}.yaml`,
    text: `agent: agent-${i}\nmode: shadow\nactions:
  - {name: deploy, allowed_environments: [staging], approval_needed: env == "production", max_replicas: ${limit}}\n`,
  }));
  return compilePolicySet(texts, program, "enforce");
}

function inputOf(i: number): { [name: string]: object | string } {
  return {
    agent: { id: `agent-${i % agents}`, scopes: ["deploy-api:*"], roles: [] },
    tool: "deploy-api",
    action: "deploy",
    environment: "staging",
    images: [],
    params: { replicas: i % 100, service: "shop", environment: "staging" },
    destination: { host: "deploy.internal", port: 443, scheme: "https" },
    http: {
      method: "POST",
      path: "/v1/deploy",
      query: {},
      headers: { authorization: "[secret]", "content-type": "application/json", "x-request-id": `${i}` },
    },
    facts: {},
    session: { id: "s-1", bound: true },
    time: { unix_ms: 1_772_366_400_000 + i },
  };
}

/** A record as long as a real one; nobody checks signatures here. */
function lineOf(i: number, { version, documentOf }: PolicySet, engine: ReturnType<typeof createEngine>): string {
  const agent = `agent-${i % agents}`;
  const { id, document } = documentOf(agent);
  const input = inputOf(i);
  const result = engine.run(id, document, input) as { decision: { verdict: string; reason: string } };
  return JSON.stringify({
    kind: "decision",
    decision_id: `decision-${i}`,
    timestamp: new Date(1_772_366_400_000 + i).toISOString(),
    agent_id: agent,
    tool: "deploy-api",
    action: "deploy",
    environment: "staging",
    opa_decision: { policy_version: version, input, result },
    decision: result.decision.verdict,
    enforced: "allow",
    mode: "shadow",
    reason: result.decision.reason,
    token: { iss: "http://127.0.0.1:9192", sub: agent, aud: "countersign", scope: "deploy-api:*", exp: 1_772_370_000 },
    signature: { alg: "EdDSA", kid: "k".repeat(43), value: "s".repeat(86) },
  });
}

async function measured(what: string, work: () => Promise<unknown>): Promise<void> {
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1_000;
  const rate = Math.round(records / seconds);
  console.log(`${what.padEnd(10)} ${seconds.toFixed(1).padStart(7)} s ${String(rate).padStart(8)} records/s`);
}

const folder = await mkdtemp(join(tmpdir(), "countersign-bench-"));
try {
  const [before, after] = [await policies(50), await policies(40)];
  const engine = createEngine(program);
  const lines = Array.from({ length: records }, (_, i) => `${lineOf(i, before, engine)}\n`);
  await writeFile(join(folder, "records.jsonl"), lines.join(""));
  const files = await findRecords([folder]);
  console.log(
    `${records} records of ${agents} agents by turns, ${Math.round((files[0]?.bytes ?? 0) / records)} bytes each`,
  );
  const candidate = { policies: after, engine, rego: null };
  await measured("report", () => shadowReport(files, { span: always, by: null, examples: 3, percent: 99 }));
  await measured("backtest", () => backtest(files, candidate, { span: always, agent: null, found: () => undefined }));
} finally {
  await rm(folder, { recursive: true, force: true });
}
