import { readFile } from "node:fs/promises";
import { type Logger, pino } from "pino";
import { approvalsService } from "./approvals/service.js";
import { openWriter } from "./audit/writer.js";
import { sessionIdOf } from "./call.js";
import type { Config } from "./config/schema.js";
import { createEngine } from "./evaluate/engine.js";
import type { Listen } from "./grpc/listen.js";
import { startGrpcServer } from "./grpc/server.js";
import { buildHttp, listenHttp } from "./http/server.js";
import { identify } from "./identify/index.js";
import { localIssuer } from "./identify/local_issuer.js";
import { readKeyFile } from "./keys/keys.js";
import { createPipeline, type Stages, stages } from "./pipeline.js";
import { loadProgram } from "./policies/program.js";
import { type Runtime, systemRuntime } from "./runtime.js";
import { openStore } from "./store/open.js";
import { decisionTelemetry } from "./telemetry/decision.js";
import { createMetrics } from "./telemetry/metrics.js";
import { startTracing } from "./telemetry/tracing.js";
import { policyAudit } from "./workspace/audit.js";
import { watchWorkspace } from "./workspace/watch.js";

/** Room for everything of a CheckRequest but the body: headers, certificate, metadata. */
const envelopeBytes = 512 * 1024;

/** What tests may put in place of the real thing. */
export interface ServerParts {
  runtime?: Runtime;
  stages?: Stages;
  log?: Logger;
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

/** Starts the authorizer. Throws `InvalidFile` or an `Error` for the operator when it cannot serve as configured. */
export async function startServer(config: Config, parts: ServerParts = {}): Promise<RunningServer> {
  const runtime = parts.runtime ?? systemRuntime;
  const log = parts.log ?? createLog(config);
  const metrics = createMetrics();
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const closer of closers.reverse())
      await closer().catch((error) => log.error({ err: error }, "while stopping"));
  };

  try {
    const { issuer } = config.identity;
    const issuerKey = await readKeyFile(issuer.key_file, "issuer");
    const shared = config.approvals.key_file === issuer.key_file;
    const approvalKey = shared ? issuerKey : await readKeyFile(config.approvals.key_file ?? "", "approvals");
    const auditKey = await readKeyFile(config.audit.key_file, "audit");
    const program = loadProgram();

    const audit = await openWriter({
      dir: config.audit.dir,
      worker: 1,
      key: auditKey,
      durability: config.audit.durability,
    });
    closers.push(() => audit.close());

    const workspace = await watchWorkspace({
      paths: config,
      program,
      defaultMode: config.mode,
      ...policyAudit({ audit, log, metrics, runtime }),
    });
    closers.push(async () => workspace.close());

    let storeTrouble: string | null = null;
    const store = await openStore(config.store, {
      runtime,
      waitMs: config.store_timeout,
      onTrouble: (error) => {
        metrics.storeTrouble();
        log.warn({ error: error.message }, "store");
      },
    });
    closers.push(() => store.close());
    if (!store.shared) log.warn("memory store: limits and approvals are lost at a restart and not shared");
    const probe = setInterval(() => {
      store.ping().then(
        () => (storeTrouble = null),
        (error: Error) => (storeTrouble = error.message),
      );
    }, 1000);
    closers.push(async () => clearInterval(probe));

    const registry = () => workspace.current().registry;
    const approvals = approvalsService({
      store,
      key: approvalKey,
      registry,
      audit,
      runtime,
      publicUrl: config.public_url,
    });
    const tracing = startTracing(config.telemetry.otlp === undefined ? null : { url: config.telemetry.otlp });
    closers.push(() => tracing.close());

    const verifier = localIssuer({
      issuer: issuer.url,
      audience: issuer.audience,
      maxTtlMs: issuer.max_ttl,
      keys: [issuerKey],
    });
    const decide = createPipeline(
      {
        runtime,
        workspace: workspace.current,
        issuer: verifier,
        approvalKey,
        engine: createEngine(program),
        store,
        approvals,
        audit,
        telemetry: decisionTelemetry({ tracer: tracing.tracer, log, metrics }),
        options: {
          maxBodyBytes: config.max_body_bytes,
          unmatched: config.unmatched,
          dryRun: config.dry_run,
          stripCredentials: config.strip_credentials,
          approvalExpiresMs: config.approvals.expires_in,
        },
      },
      parts.stages ?? stages,
    );

    let stopping = false;
    const http = buildHttp({
      registry,
      identifyAgent: (headers) =>
        identify({ headers }, { registry: registry(), issuer: verifier, now: () => runtime.now() }),
      sessionIdOf,
      approvals,
      metrics,
      ready: () => ({
        ready: !stopping && audit.trouble() === null,
        detail: {
          stopping,
          audit: audit.trouble() ?? "ok",
          store: storeTrouble ?? "ok",
          policy_version: workspace.current().policies.version,
          files: workspace.trouble(),
        },
      }),
      log,
    });
    const [httpHost, httpPort] = splitAddress(config.listen.http);
    const listening = await listenHttp(http, { host: httpHost, port: httpPort });
    closers.push(() => http.close());

    const grpc = await startGrpcServer({
      listen: await listenOf(config.listen.grpc),
      check: decide,
      log,
      maxMessageBytes: config.max_body_bytes + envelopeBytes,
    });
    closers.push(() => grpc.drain(config.shutdown_grace));
    grpc.setServing(true);

    return {
      grpc: grpc.address,
      http: `http://${listening.host.includes(":") ? `[${listening.host}]` : listening.host}:${listening.port}`,
      policyVersion: () => workspace.current().policies.version,
      refresh: workspace.refresh,
      async stop() {
        stopping = true;
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function createLog({ telemetry }: Config): Logger {
  return pino({
    level: telemetry.log === "off" ? "silent" : telemetry.log_level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}

async function listenOf(grpc: Config["listen"]["grpc"]): Promise<Listen> {
  if (typeof grpc !== "string") {
    const [host, port] = splitAddress(grpc.address);
    const [cert, key, clientCa] = await Promise.all([
      readFile(grpc.tls.cert_file),
      readFile(grpc.tls.key_file),
      readFile(grpc.tls.client_ca_file),
    ]);
    return { kind: "tcp", host, port, tls: { cert, key, clientCa } };
  }
  if (grpc.startsWith("unix:")) return { kind: "unix", path: grpc.slice("unix:".length) };
  const [host, port] = splitAddress(grpc);
  return { kind: "tcp", host, port };
}

function splitAddress(address: string): [host: string, port: number] {
  const colon = address.lastIndexOf(":");
  return [address.slice(0, colon).replace(/^\[|\]$/g, ""), Number(address.slice(colon + 1))];
}
