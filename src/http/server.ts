import fastify, { type FastifyInstance } from "fastify";
import type { PublishedBundle } from "../bundle/published.js";
import type { PolicyVersions } from "../history/service.js";
import { readJsonObject } from "../json/strict.js";
import type { OAuthService } from "../oauth/service.js";
import type { Page } from "../page/page.js";
import type { LogLevels } from "../telemetry/log_level.js";
import { guardRoutes } from "./access.js";
import { type AgentRoutesService, agentRoutes } from "./agents.js";
import { type ApprovalRouteDeps, approvalRoutes } from "./approvals.js";
import { type AuditRouteDeps, auditRoutes } from "./audit.js";
import { type AuthenticateDeps, authenticator } from "./authenticate.js";
import { bundleRoutes } from "./bundle.js";
import { type CheckRouteDeps, checkRoutes } from "./check.js";
import { type DashboardRouteDeps, dashboardRoutes } from "./dashboard.js";
import { answerErrors, unreadable, unreadableResponse } from "./errors.js";
import { healthRoutes, type Readiness } from "./health.js";
import { logRoutes } from "./log.js";
import { type MetricsSource, metricsRoutes } from "./metrics.js";
import { type OAuthLog, oauthRoutes } from "./oauth.js";
import { openApiRoutes } from "./openapi.js";
import { pageRoutes } from "./page.js";
import { policyRoutes } from "./policies.js";
import { sendProblem } from "./problem.js";
import { type SessionRouteDeps, sessionRoutes } from "./sessions.js";
import { type SlackRouteDeps, slackRoutes } from "./slack.js";
import { type UsageRouteDeps, usageRoutes } from "./usage.js";

const bodyLimitBytes = 65_536;
/** Longest time to send a whole request; long polls wait after that. */
const requestTimeoutMs = 15_000;
/** Longest path parameter: a session id of which every character is percent-encoded. */
const maxParamLength = 512;

/** What the HTTP API needs of the rest. */
export interface HttpDeps
  extends AuthenticateDeps,
    ApprovalRouteDeps,
    AuditRouteDeps,
    CheckRouteDeps,
    Pick<DashboardRouteDeps, "dashboard">,
    SessionRouteDeps,
    UsageRouteDeps,
    SlackRouteDeps {
  /** Of the policies in force. */
  bundle: () => Promise<PublishedBundle>;
  policies: PolicyVersions;
  agents: AgentRoutesService;
  page: Page;
  oauth: OAuthService;
  metrics: MetricsSource;
  logLevels: Pick<LogLevels, "show" | "set">;
  ready: () => Readiness | Promise<Readiness>;
  log: OAuthLog;
}

/** No answer is for a browser to keep, frame, sniff or run. */
const securityHeaders = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** The HTTP API, not yet listening. */
export function buildHttp(deps: HttpDeps): FastifyInstance {
  const app = fastify({
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    routerOptions: { maxParamLength },
    frameworkErrors: (_error, _request, reply) => {
      sendProblem(reply.headers(securityHeaders), unreadable());
    },
    clientErrorHandler: (_error, socket) => {
      if (socket.writable) socket.end(unreadableResponse());
      else socket.destroy();
    },
  });

  app.addHook("onRequest", async (_request, reply) => {
    reply.headers(securityHeaders);
  });
  guardRoutes(app, authenticator(deps));
  answerErrors(app, deps.log);

  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, async (_request: unknown, body: Buffer) =>
    readJsonObject(body),
  );

  healthRoutes(app, deps.ready);
  metricsRoutes(app, deps.metrics);
  logRoutes(app, deps.logLevels);
  openApiRoutes(app);
  checkRoutes(app, deps);
  approvalRoutes(app, deps);
  sessionRoutes(app, deps);
  usageRoutes(app, deps);
  auditRoutes(app, deps);
  slackRoutes(app, deps);
  agentRoutes(app, deps.agents);
  policyRoutes(app, deps.policies);
  bundleRoutes(app, deps.bundle);
  oauthRoutes(app, deps.oauth, deps.log);
  pageRoutes(app, deps.page, deps.log);
  dashboardRoutes(app, deps);
  return app;
}

/** Starts to listen and says where; port 0 takes a free one. */
export async function listenHttp(
  app: FastifyInstance,
  { host, port }: { host: string; port: number },
): Promise<{ host: string; port: number }> {
  await app.listen({ host, port });
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new Error("the HTTP server has no address");
  return { host: address.address, port: address.port };
}
