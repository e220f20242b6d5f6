import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { type AgentsService, agentsService } from "../../src/agents/service.js";
import { type ApprovalsService, approvalsService } from "../../src/approvals/service.js";
import type { AuditSink } from "../../src/audit/record.js";
import { openWriter } from "../../src/audit/writer.js";
import { configSchema } from "../../src/config/schema.js";
import { loadCatalogue } from "../../src/decode/index.js";
import { createEngine } from "../../src/evaluate/engine.js";
import { localIssuer } from "../../src/identify/local_issuer.js";
import { trustedIssuers } from "../../src/issuers/trusted.js";
import { generateKey, type SigningKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import type { Happening } from "../../src/notify/notice.js";
import { createPipeline, type Decide, type PipelineDeps, type Stages, stages } from "../../src/pipeline.js";
import { compilePolicySet } from "../../src/policies/policy_set.js";
import { loadProgram } from "../../src/policies/program.js";
import { type LoadedRegistry, loadRegistry } from "../../src/registry/load.js";
import { createRegoPool } from "../../src/rego/pool.js";
import { type Runtime, systemRuntime } from "../../src/runtime.js";
import { memoryStore } from "../../src/store/memory.js";
import type { Store } from "../../src/store/store.js";
import { decisionTelemetry } from "../../src/telemetry/decision.js";
import { createMetrics } from "../../src/telemetry/metrics.js";
import { startTracing } from "../../src/telemetry/tracing.js";
import type { InForce } from "../../src/workspace/workspace.js";
import { type AuditLine, auditRecords } from "../harness/records.js";
import { type AgentRequest, asEnvoyAsks, asEnvoyReads, type Told } from "./envoy.js";

/** The files as they are loaded. */
export interface LoadedFiles extends InForce {
  registry: LoadedRegistry;
}

/** What a user writes, as values; policies may also be the text of the file. */
export interface Files {
  config?: Record<string, unknown>;
  tools: unknown[];
  agents: unknown[];
  people?: unknown[];
  policies: Record<string, unknown>;
}

export interface WorldOptions {
  /** RFC 3339; the clock stands still until it is moved. */
  time?: string;
  stages?: Partial<Stages>;
  /** Puts something in front of a real part. */
  wrap?: (deps: PipelineDeps) => Partial<PipelineDeps>;
  durability?: "write" | "fsync";
  probeIntervalMs?: number;
}

/** The authorizer with everything real but the clock, Envoy and the network. */
export interface World {
  nowMs: number;
  decide: Decide;
  ask(request: AgentRequest): Promise<Told>;
  /** Every audit record so far, from the disk. */
  records(): Promise<AuditLine[]>;
  /** Log lines so far. */
  log: Record<string, unknown>[];
  /** What people may want to know. */
  told: Happening[];
  /** What the files say. */
  files: LoadedFiles;
  /** What is in force: the files, and agents that were registered since. */
  readonly workspace: InForce;
  agents: AgentsService;
  store: Store;
  use(files: Files): Promise<void>;
  approvals: ApprovalsService;
  audit: AuditSink;
  /** The audit directory. */
  dir: string;
  close(): Promise<void>;
}

export const keys = {
  issuer: await signingKeyOf(generateKey("OKP", "issuer")),
  approvals: await signingKeyOf(generateKey("OKP", "approvals")),
  audit: await signingKeyOf(generateKey("OKP", "audit")),
  attestation: await signingKeyOf(generateKey("OKP", "attestation")),
  observer: await signingKeyOf(generateKey("oct", "attestation")),
  stranger: await signingKeyOf(generateKey("OKP", "issuer")),
} satisfies Record<string, SigningKey>;

/** The defaults of the configuration. */
export const { issuer } = configSchema.parse({}).identity;

const program = loadProgram();
/** Time enough on a machine that does much else; how late is too late is tested with the pool. */
const rego = createRegoPool({ deadlineMs: 5_000, maxWaitMs: 60_000 });
afterAll(() => rego.close());
const metrics = createMetrics();
const { tracer } = startTracing(null);

/** Compiles what a user wrote, as the server does. Throws `InvalidFile`. */
export async function workspaceOf(files: Files): Promise<LoadedFiles> {
  const texts = Object.entries(files.policies).map(([file, policy]) => ({
    file,
    text: typeof policy === "string" ? policy : JSON.stringify(policy),
  }));
  const text = (name: string, list: unknown[]) => ({ file: `${name}.yaml`, text: JSON.stringify({ [name]: list }) });
  const tools = text("tools", files.tools);
  return {
    policies: await compilePolicySet(texts, program, configOf(files).mode),
    catalogue: loadCatalogue(tools.file, tools.text),
    registry: loadRegistry({ agents: text("agents", files.agents), people: text("people", files.people ?? []) }),
  };
}

const configOf = (files: Files) => configSchema.parse(files.config ?? {});

export async function startWorld(files: Files, options: WorldOptions = {}): Promise<World> {
  const loaded = await workspaceOf(files);
  const dir = await mkdtemp(join(tmpdir(), "countersign-pipeline-"));
  const { durability = "write", probeIntervalMs = 1_000 } = options;
  const audit = await openWriter({ dir, worker: 1, key: keys.audit, durability, probeIntervalMs });
  const clock = { nowMs: Date.parse(options.time ?? "2026-03-01T12:00:00Z") };
  let inForce = loaded;
  const runtime: Runtime = { ...systemRuntime, now: () => clock.nowMs };
  const config = configOf(files);
  const store = memoryStore(runtime);
  const log: Record<string, unknown>[] = [];
  const told: Happening[] = [];
  const fileRegistry = () => inForce.registry;
  const agents = agentsService({
    shared: store.registry,
    key: keys.approvals,
    fileRegistry,
    audit,
    runtime,
    intervalMs: null,
  });
  const trusted = trustedIssuers(config.identity.trusted, { runtime });
  const workspace = () => world.workspace;
  const approvals = approvalsService({
    store,
    key: keys.approvals,
    registry: () => world.workspace.registry,
    audit,
    runtime,
    publicUrl: config.public_url,
    maxPending: config.approvals.max_pending,
  });
  const real: PipelineDeps = {
    runtime,
    workspace,
    credentials: {
      issuer: localIssuer({
        issuer: issuer.url,
        audience: issuer.audience,
        maxTtlMs: issuer.max_ttl,
        keys: [keys.issuer],
      }),
      trusted,
      revocations: agents.revocations,
    },
    approvalKey: keys.approvals,
    engine: createEngine(program),
    rego,
    store,
    approvals,
    audit,
    tell: (happening) => told.push(happening),
    telemetry: decisionTelemetry({
      tracer,
      metrics,
      log: pino({ base: null }, { write: (line: string) => void log.push(JSON.parse(line)) }),
    }),
    options: {
      maxBodyBytes: config.max_body_bytes,
      unmatched: config.unmatched,
      dryRun: config.dry_run,
      stripCredentials: config.strip_credentials,
      approvalExpiresMs: config.approvals.expires_in,
      goesOnMs: config.on_store_failure === "deny" ? 0 : config.on_store_failure.for,
      trustPrincipal: config.identity.spiffe.trust_plaintext,
      sessions: {
        ttlMs: config.sessions.ttl ?? 86_400_000,
        learningMs: config.sessions.learning,
        burst: { refusals: config.sessions.burst.refusals, withinMs: config.sessions.burst.within },
      },
      attestation: {
        required: config.attestation.required,
        maxAgeMs: config.attestation.max_age,
        keys: [{ kid: "obs-1", key: keys.observer }],
        own: { key: keys.attestation, issuer: issuer.url },
      },
    },
  };
  const decide = createPipeline({ ...real, ...options.wrap?.(real) }, { ...stages, ...options.stages });
  const world: World = {
    get nowMs() {
      return clock.nowMs;
    },
    set nowMs(ms) {
      clock.nowMs = ms;
    },
    decide,
    ask: async (request) => asEnvoyReads(await decide(asEnvoyAsks(request))),
    records: () => auditRecords(dir),
    log,
    told,
    get files() {
      return inForce;
    },
    set files(next) {
      inForce = next;
    },
    get workspace() {
      return { ...inForce, registry: agents.registry() };
    },
    async use(next) {
      inForce = await workspaceOf(next);
    },
    agents,
    store,
    approvals,
    audit,
    dir,
    async close() {
      trusted.close();
      await agents.close();
      await audit.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return world;
}
