import { pino } from "pino";
import { loadCatalogue } from "../../src/decode/index.js";
import { createEngine } from "../../src/evaluate/engine.js";
import type { IdentifyContext } from "../../src/identify/credential.js";
import { generateKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { createPipeline, type Decide } from "../../src/pipeline.js";
import { compilePolicySet } from "../../src/policies/policy_set.js";
import { loadProgram } from "../../src/policies/program.js";
import { createRegoPool } from "../../src/rego/pool.js";
import { systemRuntime } from "../../src/runtime.js";
import { decisionTelemetry } from "../../src/telemetry/decision.js";
import { createMetrics } from "../../src/telemetry/metrics.js";
import { startTracing } from "../../src/telemetry/tracing.js";
import type { World } from "../approvals/fixture.js";

const program = loadProgram();
const rego = createRegoPool({ deadlineMs: 5_000, maxWaitMs: 60_000 });
afterAll(() => rego.close());
const key = await signingKeyOf(generateKey("OKP", "attestation"));

const catalogue = loadCatalogue("tools.yaml", "tools: [{name: shell, protocol: check}]");
const actions = [
  { name: "run", max_jobs: 5, approval_needed: 'env == "production"' },
  { name: "fetch", sanitize: { headers: { set: { "x-team": "sre" }, remove: ["x-debug"] } } },
  { name: "crawl" },
];
const files = [
  { agent: "deploy-manager", actions },
  { agent: "other-agent", actions, limits: { rate: "100/h", burst: 1 } },
].map((policy) => ({ file: `${policy.agent}.yaml`, text: JSON.stringify(policy) }));
const policies = await compilePolicySet(files, program, "enforce");

/** The pipeline over a world of approvals: tool `shell` with actions `run`, `fetch` and `crawl`; `other-agent` has a limit. */
export function decideIn(here: World, credentials: Omit<IdentifyContext, "registry" | "now">): Decide {
  const options = {
    maxBodyBytes: 65_536,
    unmatched: "deny",
    dryRun: false,
    stripCredentials: true,
    approvalExpiresMs: 900_000,
    goesOnMs: 0,
    trustPrincipal: false,
    sessions: { ttlMs: 86_400_000, learningMs: 0, burst: { refusals: 100, withinMs: 60_000 } },
    attestation: { required: false, maxAgeMs: 600_000, keys: [], own: { key, issuer: "http://127.0.0.1:9192" } },
  } as const;
  return createPipeline({
    runtime: { ...systemRuntime, now: () => here.nowMs },
    workspace: () => ({ policies, catalogue, registry: here.registry }),
    credentials,
    approvalKey: here.key,
    engine: createEngine(program),
    rego,
    store: here.store,
    approvals: here.service,
    audit: here.records,
    tell: () => {},
    telemetry: decisionTelemetry({
      tracer: startTracing(null).tracer,
      metrics: createMetrics(),
      log: pino({ level: "silent" }),
    }),
    options,
  });
}
