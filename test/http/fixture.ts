import { mkdtemp, rm } from "node:fs/promises";
import { type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { agentsService } from "../../src/agents/service.js";
import { sessionAttestations } from "../../src/attestation/service.js";
import { sessionIdOf } from "../../src/call.js";
import { evidenceService } from "../../src/evidence/service.js";
import { buildHttp, type HttpDeps, listenHttp } from "../../src/http/server.js";
import { identify } from "../../src/identify/index.js";
import { issueToken } from "../../src/identify/issue.js";
import { localIssuer } from "../../src/identify/local_issuer.js";
import { generateKey, type SigningKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { type OAuthService, oauthService } from "../../src/oauth/service.js";
import { approvalsPage, type Page, type PageDeps } from "../../src/page/page.js";
import { systemRuntime } from "../../src/runtime.js";
import { dashboard } from "../../src/stats/dashboard.js";
import { StatsWindow } from "../../src/stats/window.js";
import { memoryRegistry } from "../../src/store/memory_registry.js";
import { changeableLogLevel } from "../../src/telemetry/log_level.js";
import { usageOf } from "../../src/usage/usage.js";
import { registry, session, type World, world } from "../approvals/fixture.js";
import { neverRevoked, noTrusted } from "../identify/fixture.js";
import { decideIn } from "./decide.js";

export { call, hash, person, session } from "../approvals/fixture.js";

export interface Sent {
  method?: string;
  /** Sent as it is; clients such as fetch would normalise it. */
  url: string;
  headers?: Record<string, string>;
  payload?: string | object;
}

export interface Answer {
  statusCode: number;
  headers: IncomingHttpHeaders;
  body: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  json(): any;
}

export interface Api {
  app: FastifyInstance;
  host: string;
  port: number;
  /** One request over a connection of its own. */
  send(sent: Sent): Promise<Answer>;
  here: World;
  /** What was logged. */
  logged: { details: object; message: string }[];
  warned: { details: object; message: string }[];
  /** Header of an agent's own token. */
  agent(id: string, sessionId?: string): Promise<Record<string, string>>;
}

/** Header of a person's token. */
export const as = (name: string) => ({ authorization: `Bearer token-${name}` });

const issuerUrl = "http://127.0.0.1:9192";
const limits = { audience: "countersign", maxTtlMs: 3_600_000 };

const inForce = { current: "sha256:9f2c", rolled_back: null };

/** The HTTP API over approvals in a memory store, with every dependency real that decides anything. */
export async function api(more: Partial<HttpDeps> = {}): Promise<Api> {
  const here = await world();
  const key = await signingKeyOf(generateKey("OKP", "issuer"));
  const issuer = localIssuer({ issuer: issuerUrl, ...limits, keys: [key] });
  const credentials = { registry, issuer, trusted: noTrusted, revocations: neverRevoked, now: () => here.nowMs };
  const logged: Api["logged"] = [];
  const warned: Api["warned"] = [];
  const records = await mkdtemp(join(tmpdir(), "records-"));
  const app = buildHttp({
    evidence: evidenceService({ dir: records, keys: [], agents: async () => [] }),
    registry: () => registry,
    identifyAgent: (headers) => identify({ headers }, credentials),
    credentials,
    runtime: credentials,
    sessionIdOf,
    decide: decideIn(here, credentials),
    id: systemRuntime.id,
    approvals: here.service,
    slack: null,
    page: pageOf(here),
    usage: (agent, session) =>
      usageOf(
        { store: here.store, limitsOf: () => ({ enforced: { daily_budget_micro: 5_000_000 } }), maxPending: 3 },
        agent,
        session,
      ),
    dashboard: dashboardOf(here),
    sessions: sessionAttestations({
      store: here.store,
      key: await signingKeyOf(generateKey("OKP", "attestation")),
      issuer: issuerUrl,
      runtime: { now: () => here.nowMs, id: () => "01KJMK0000000000000000JT11" },
    }),
    bundle: async () => ({ revision: "sha256:9f2c", bytes: Buffer.from("bundle") }),
    policies: {
      inForce: () => inForce,
      show: async () => ({ ...inForce, versions: [] }),
      look: async () => {},
      rollBack: async () => inForce,
      release: async () => inForce,
    },
    agents: agentsService({
      shared: here.store.registry,
      key: await signingKeyOf(generateKey("OKP", "approvals")),
      fileRegistry: () => registry,
      audit: here.records,
      runtime: { ...systemRuntime, now: () => here.nowMs },
      intervalMs: null,
    }),
    oauth: oauthOf(here, key),
    logLevels: changeableLogLevel({
      log: { level: "info", warn: (details, message) => warned.push({ details, message }) },
      configured: "info",
      audit: here.records,
      runtime: { now: () => here.nowMs },
    }),
    metrics: { contentType: "text/plain; version=0.0.4; charset=utf-8", text: async () => "up 1\n" },
    ready: () => ({ ready: true, detail: { policy_version: "sha256:9f2c" } }),
    log: {
      error: (details, message) => logged.push({ details, message }),
      warn: (details, message) => warned.push({ details, message }),
    },
    ...more,
  });
  app.addHook("onClose", () => rm(records, { recursive: true }));
  const agent = async (id: string, sessionId: string = session.id) => {
    const wanted = { key, issuer: issuerUrl, ...limits, agent: { id }, ttlMs: 900_000, now: here.nowMs, id: "jti-1" };
    return { authorization: `Bearer ${await issueToken({ ...wanted, scope: "*:*", session_id: sessionId })}` };
  };
  const { host, port } = await listenHttp(app, { host: "127.0.0.1", port: 0 });
  return { app, host, port, here, logged, warned, agent, send: (sent) => send(host, port, sent) };
}

/** The page, where people sign in by their tokens. */
export function pageOf(here: World, more: Partial<PageDeps> = {}): Page {
  return approvalsPage({
    key: here.key,
    registry: () => here.registry,
    runtime: { now: () => here.nowMs, monotonicMicros: () => here.nowMs * 1000 },
    publicUrl: issuerUrl,
    sessionMs: 28_800_000,
    oidc: null,
    ...more,
  });
}

/** Numbers of a server that has decided nothing yet. */
function dashboardOf(here: World): HttpDeps["dashboard"] {
  const now = () => here.nowMs;
  const view = dashboard({
    window: new StatsWindow(now),
    sinceMs: now,
    startedMs: here.nowMs,
    approvals: here.service,
    usage: async () => {
      throw new Error("nobody has called");
    },
    limitsOf: () => ({}),
    withinMs: 1_000,
    now,
    monotonicMs: now,
  });
  return async (window) => ({ ...(await view(window)), policy_version: "sha256:9f2c", mode: "enforce" });
}

/** An authorization server that trusts nobody else. */
function oauthOf(here: World, key: SigningKey): OAuthService {
  const clock = { now: () => here.nowMs, monotonicMicros: () => here.nowMs * 1000, id: () => "jti-2" };
  return oauthService({
    registry: () => registry,
    registryStore: memoryRegistry(clock),
    trusted: noTrusted,
    issuer: { url: issuerUrl, ...limits, ttlMs: 900_000, key, acceptedKeys: [] },
    revocations: { fresh: async () => {} },
    sessionTtlMs: 86_400_000,
    audit: here.records,
    runtime: clock,
    publicUrl: issuerUrl,
    publishedKeys: [],
  });
}

async function send(host: string, port: number, { method = "GET", url, headers = {}, payload }: Sent): Promise<Answer> {
  const body = typeof payload === "object" ? JSON.stringify(payload) : payload;
  const type: Record<string, string> = typeof payload === "object" ? { "content-type": "application/json" } : {};
  return new Promise((resolve, reject) => {
    const sent = request(
      { host, port, method, path: url, headers: { ...type, ...headers }, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () =>
          resolve({
            statusCode: response.statusCode ?? 0,
            headers: response.headers,
            body: text,
            json: () => JSON.parse(text),
          }),
        );
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}
