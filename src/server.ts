import type { Logger } from "pino";
import { publisher } from "./bundle/published.js";
import { sessionIdOf } from "./call.js";
import type { Config } from "./config/schema.js";
import { trustedWarnings } from "./config/trusted.js";
import { createEngine } from "./evaluate/engine.js";
import type { AccessLogReader } from "./grpc/access_log.js";
import { isLoopback } from "./grpc/listen.js";
import { startGrpcServer } from "./grpc/server.js";
import { type PolicyHistory, policyHistory } from "./history/history.js";
import { policyVersions } from "./history/service.js";
import { buildHttp, type HttpDeps, listenHttp } from "./http/server.js";
import { identify } from "./identify/index.js";
import { checkKeyFiles } from "./issuers/jwks.js";
import type { Happening } from "./notify/notice.js";
import { createPipeline, type PipelineDeps, type Stages, stages } from "./pipeline.js";
import { loadProgram } from "./policies/program.js";
import { createRegoPool } from "./rego/pool.js";
import { type Runtime, systemRuntime } from "./runtime.js";
import { grpcListen, grpcPlace, httpUrl, splitAddress } from "./server/address.js";
import { serverApprovals } from "./server/approvals.js";
import { type AuditArchive, openArchive } from "./server/archive.js";
import { openAudit } from "./server/audit.js";
import { Closing } from "./server/closing.js";
import { serverEvidence } from "./server/evidence.js";
import { serverIdentity } from "./server/identity.js";
import { readKeys, type ServerKeys } from "./server/keys.js";
import { createLog } from "./server/log.js";
import { serverOutcomes } from "./server/outcomes.js";
import { serverStats } from "./server/stats.js";
import { watchedStore } from "./server/store.js";
import { serverTelemetry } from "./server/telemetry.js";
import { watchedAudit } from "./telemetry/audit_watch.js";
import { createMetrics, type Metrics } from "./telemetry/metrics.js";
import { pendingApprovals } from "./telemetry/pending.js";
import { usageOf } from "./usage/usage.js";
import { logLevelOfAll } from "./workers/log_level.js";
import { metricsOfAll } from "./workers/metrics.js";
import { alone, type Peers } from "./workers/peers.js";
import { policiesOfAll } from "./workers/policies.js";
import { readinessOfAll } from "./workers/readiness.js";
import { policyAudit } from "./workspace/audit.js";
import { workspaceSources } from "./workspace/sources.js";
import { type WatchedWorkspace, watchWorkspace } from "./workspace/watch.js";

/** Room for everything of a CheckRequest but the body: headers, certificate, metadata. */
const envelopeBytes = 512 * 1024;

/** What tests may put in place of the real thing. */
export interface ServerParts {
  runtime?: Runtime;
  stages?: Stages;
  log?: Logger;
  /** The other processes of this server; without it this is the only one. */
  peers?: Peers;
}

export interface RunningServer {
  /** `127.0.0.1:9191` or `unix:/run/countersign.sock`. */
  grpc: string;
  /** `http://127.0.0.1:9192`. */
  http: string;
  policyVersion(): string;
  /** Looks at the user's files now instead of at the next tick. */
  refresh(): Promise<void>;
  /** Stops taking calls, lets those in flight end within the grace, and closes everything. */
  stop(): Promise<void>;
}

/** Everything that has to be there before the first call, and how to tell whether it still is. */
interface Assembly {
  accessLog: AccessLogReader;
  pipeline: PipelineDeps;
  http: Omit<HttpDeps, "ready" | "decide">;
  workspace: WatchedWorkspace;
  history: PolicyHistory;
  archive: AuditArchive;
  metrics: Metrics;
  trouble: () => { audit: string | null; store: string | null; notifications: string | null };
}

/** Starts the authorizer. Throws `InvalidFile` or an `Error` for the operator when it cannot serve as configured. */
export async function startServer(config: Config, parts: ServerParts = {}): Promise<RunningServer> {
  const peers = parts.peers ?? alone;
  const log = parts.log ?? createLog(config.telemetry, undefined, several(peers));
  const closing = new Closing(log);
  try {
    const assembly = await assemble(config, {
      runtime: parts.runtime ?? systemRuntime,
      log,
      closing,
      peers,
    });
    const { workspace } = assembly;
    let stopping = false;
    watchHealth(assembly, () => readiness(assembly, stopping).ready);

    const decide = createPipeline(assembly.pipeline, parts.stages ?? stages);
    const ready = readinessOfAll(() => readiness(assembly, stopping), peers);
    const http = buildHttp({ ...assembly.http, decide, ready });
    const listening = await listenHttp(http, splitAddress(config.listen.http));
    closing.add(() => http.close());
    if (!isLoopback(listening.host) && peers.worker === 1) {
      log.warn({ address: listening.host }, "the HTTP API speaks plain HTTP beyond this host: put TLS before it");
    }

    const grpc = await startGrpcServer({
      listen: await grpcListen(grpcPlace(config, peers.worker)),
      check: decide,
      accessLog: assembly.accessLog,
      log,
      maxMessageBytes: config.max_body_bytes + envelopeBytes,
    });
    closing.add(() => grpc.drain(config.shutdown_grace));
    // Calls that wait for people would else use up the whole grace.
    closing.add(() => assembly.pipeline.approvals.release());
    closing.add(() => assembly.archive.stopping());
    grpc.setServing(true);

    return {
      grpc: grpc.address,
      http: httpUrl(listening),
      policyVersion: () => workspace.current().policies.version,
      refresh: workspace.refresh,
      async stop() {
        stopping = true;
        await closing.run();
      },
    };
  } catch (error) {
    await closing.run();
    throw error;
  }
}

/** Opens keys, audit, files, store and telemetry, in the order in which they need each other. */
async function assemble(
  config: Config,
  { runtime, log, closing, peers }: { runtime: Runtime; log: Logger; closing: Closing; peers: Peers },
): Promise<Assembly> {
  const { worker } = peers;
  const metrics = createMetrics(several(peers) ?? {});
  const keys = await readKeys(config);
  const program = loadProgram();

  await checkKeyFiles(config.identity.trusted.map(({ jwks }) => jwks));
  for (const warning of trustedWarnings(config.identity.trusted)) log.warn(warning);
  const archive = await openArchive(config, { runtime, log, metrics, closing, worker });
  const opened = await openAudit(config, { keys, runtime, log, closing, archive, worker });
  const audit = watchedAudit(opened, metrics, runtime);
  const accessLog = serverOutcomes(audit, { runtime, metrics, log, closing, peers });
  const stats = await serverStats(audit, config, { runtime, log, peers });
  const telemetry = await serverTelemetry(config, { runtime, log, metrics, audit, closing });

  const sources = await workspaceSources(config, { program, mode: config.mode, runtime });
  const history = policyHistory({
    ...config.policy_history,
    files: sources.policies,
    program,
    runtime,
    writes: worker === 1,
    onTrouble: (error) => log.warn({ error: error.message }, "the policy history cannot be kept"),
  });
  closing.add(() => history.written());
  const loading = policyAudit({ audit, history, log, metrics, runtime });
  const workspace = await watchWorkspace({ sources: { ...sources, policies: history.source }, ...loading });
  closing.add(() => workspace.close());

  // What the store tells of comes from calls, and none is taken before people can be told.
  let tell: PipelineDeps["tell"] = () => {};
  const onCountersLost = (agent: string): void => tell({ kind: "counters.lost", agent });
  const watched = await watchedStore(config, { runtime, log, metrics, closing, onCountersLost });
  const { store, onTrouble } = watched;
  const fileRegistry = () => workspace.current().registry;
  const who = serverIdentity(config, { keys, store, audit, fileRegistry, runtime, log, closing });
  const registry = () => who.registry;
  const inForce = () => {
    const { policies, catalogue } = workspace.current();
    return { policies, catalogue, registry: who.registry };
  };
  const limitsOf = (agent: string) => workspace.current().policies.documentOf(agent).document.limits;
  const people = await serverApprovals(config, {
    key: keys.approvals,
    store,
    audit,
    registry,
    trusted: who.credentials.trusted,
    runtime,
    log,
    metrics,
    closing,
    onTrouble,
  });
  tell = (happening) => {
    if (happening.kind === "budget.warning") warnOfBudget(happening, { log, metrics });
    people.notifications.tell(happening);
  };
  const usage: HttpDeps["usage"] = (agent, session) =>
    usageOf({ store, limitsOf, maxPending: config.approvals.max_pending }, agent, session);
  const policyVersion = () => workspace.current().policies.version;
  const versions = policyVersions({ dir: config.policy_history.dir, history, workspace, program, runtime });
  const rego = createRegoPool();
  closing.add(() => rego.close());

  return {
    accessLog,
    workspace,
    history,
    archive,
    metrics,
    trouble: () => ({
      audit: audit.trouble(),
      store: watched.trouble() ?? who.agents.trouble(),
      notifications: people.notifications.trouble(),
    }),
    pipeline: {
      runtime,
      workspace: inForce,
      credentials: who.credentials,
      approvalKey: keys.approvals,
      engine: createEngine(program),
      rego,
      store,
      approvals: people.approvals,
      audit,
      telemetry: telemetry.decisions,
      tell,
      options: {
        maxBodyBytes: config.max_body_bytes,
        unmatched: config.unmatched,
        dryRun: config.dry_run,
        stripCredentials: config.strip_credentials,
        approvalExpiresMs: config.approvals.expires_in,
        trustPrincipal: trustsPrincipal(config, worker),
        goesOnMs: config.on_store_failure === "deny" ? 0 : config.on_store_failure.for,
        ...sessionOptions(config, keys),
      },
    },
    http: {
      ...who,
      registry,
      id: runtime.id,
      runtime,
      identifyAgent: (headers) =>
        identify({ headers }, { ...who.credentials, registry: who.registry, now: runtime.now }),
      sessionIdOf,
      ...people.http,
      usage,
      evidence: serverEvidence(config, { keys, agents: who.agents }),
      dashboard: stats.dashboard({ usage, limitsOf, approvals: people.approvals, policyVersion }),
      bundle: publisher({ policies: () => workspace.current().policies, key: keys.bundles, runtime }),
      policies: policiesOfAll(versions, peers),
      metrics: metricsOfAll(metrics, peers),
      logLevels: logLevelOfAll(telemetry.logLevels, peers),
      log,
    },
  };
}

/** Seen also where nobody is told of it. */
function warnOfBudget(
  { agent, session, limit, mode, percent }: Extract<Happening, { kind: "budget.warning" }>,
  { log, metrics }: { log: Logger; metrics: Metrics },
): void {
  metrics.budgetWarned({ limit, mode, percent });
  log.warn({ agent_id: agent, session_id: session, limit, mode, percent }, "a budget is used up to a threshold");
}

/**
 * Over a Unix socket and over mTLS only Envoy can ask; over plain TCP anybody on this host could name any principal.
 * Whoever trusts those says so.
 */
function trustsPrincipal(config: Config, worker: number): boolean {
  const place = grpcPlace(config, worker);
  const isPlain = typeof place === "string" && !place.startsWith("unix:");
  return !isPlain || config.identity.spiffe.trust_plaintext;
}

/** What tells the processes of one server apart, where there are several. */
function several({ worker, workers }: Peers): { worker: number } | null {
  return workers === 1 ? null : { worker };
}

function sessionOptions({ sessions, attestation, identity }: Config, keys: ServerKeys) {
  const { refusals, within: withinMs } = sessions.burst;
  return {
    sessions: { ttlMs: sessions.ttl, learningMs: sessions.learning, burst: { refusals, withinMs } },
    attestation: {
      required: attestation.required,
      maxAgeMs: attestation.max_age,
      keys: keys.observers,
      own: { key: keys.attestation, issuer: identity.issuer.url },
    },
  };
}

/** What the metrics tell of this process and of what it stands on. */
function watchHealth({ pipeline, trouble, metrics }: Assembly, ready: () => boolean): void {
  metrics.watch({
    ready,
    store: () => trouble().store === null,
    audit: () => trouble().audit === null,
    pending: pendingApprovals(pipeline.store, pipeline.runtime),
  });
}

/** Without an audit trail nothing can be let through; without the store, calls that need no limit still can. */
function readiness({ workspace, history, archive, http, trouble }: Assembly, stopping: boolean) {
  const { audit, store, notifications } = trouble();
  return {
    ready: !stopping && audit === null,
    detail: {
      stopping,
      audit: audit ?? "ok",
      audit_archive: archive.state(),
      store: store ?? "ok",
      notifications: notifications ?? "ok",
      policy_version: workspace.current().policies.version,
      rolled_back: http.policies.inForce().rolled_back,
      policy_history: history.trouble() ?? "ok",
      files: workspace.trouble(),
    },
  };
}
