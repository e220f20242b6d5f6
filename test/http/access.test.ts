import fastify from "fastify";
import { guardRoutes, methodsAt, routeAccess } from "../../src/http/access.js";
import { remember } from "../attestation/remember.js";
import { type Api, api, as, session } from "./fixture.js";

let made: Api;
let id: string;
beforeEach(async () => {
  made = await api();
  id = await made.here.open();
  await remember(made.here.store, { agent: "deploy-manager", session: session.id });
});
afterEach(() => made.app.close());

const callers = ["none", "unknown", "nothing", "viewer", "auditor", "admin", "bob", "agent", "other-agent"] as const;
type Caller = (typeof callers)[number];

/** Status for each route and caller; `bob` is an approver, `agent` the one that asked. */
const matrix: Record<keyof typeof routeAccess, Record<Caller, number>> = {
  "GET /healthz": row(200, 200, 200, 200, 200, 200, 200, 200, 200),
  "GET /readyz": row(200, 200, 200, 200, 200, 200, 200, 200, 200),
  "GET /metrics": row(401, 401, 403, 200, 403, 200, 403, 403, 403),
  "GET /v1/log": row(401, 401, 403, 403, 403, 200, 403, 403, 403),
  "PUT /v1/log": row(401, 401, 403, 403, 403, 200, 403, 403, 403),
  "GET /openapi.json": row(200, 200, 200, 200, 200, 200, 200, 200, 200),
  // Whoever is none of the agents is refused, and recorded, by the pipeline.
  "POST /v1/check": row(401, 401, 401, 401, 401, 401, 401, 200, 200),
  "GET /v1/approvals": row(401, 401, 403, 403, 200, 200, 200, 403, 403),
  "GET /v1/approvals/:id": row(401, 401, 403, 403, 200, 200, 200, 200, 404),
  "POST /v1/approvals/:id/decision": row(401, 401, 403, 403, 403, 403, 200, 403, 403),
  "POST /v1/approvals/:id/revoke": row(401, 401, 403, 403, 403, 403, 200, 403, 403),
  "GET /approvals": row(200, 200, 200, 200, 200, 200, 200, 200, 200),
  "GET /approvals/:id": row(200, 200, 200, 200, 200, 200, 200, 200, 200),
  "GET /approvals/assets/:name": row(200, 200, 200, 200, 200, 200, 200, 200, 200),
  "GET /approvals/session": row(200, 200, 200, 200, 200, 200, 200, 200, 200),
  // They come from no page of ours.
  "POST /approvals/session": row(403, 403, 403, 403, 403, 403, 403, 403, 403),
  "DELETE /approvals/session": row(403, 403, 403, 403, 403, 403, 403, 403, 403),
  // No provider is configured here.
  "GET /approvals/oidc/start": row(404, 404, 404, 404, 404, 404, 404, 404, 404),
  "GET /approvals/oidc/callback": row(404, 404, 404, 404, 404, 404, 404, 404, 404),
  "GET /approvals/open": row(400, 400, 400, 400, 400, 400, 400, 400, 400),
  // Slack is not configured here.
  "POST /v1/integrations/slack/interactions": row(404, 404, 404, 404, 404, 404, 404, 404, 404),
  "GET /v1/usage/:id": row(401, 401, 403, 200, 200, 200, 200, 200, 404),
  "GET /v1/dashboard": row(401, 401, 403, 200, 200, 200, 200, 403, 403),
  "GET /dashboard": row(200, 200, 200, 200, 200, 200, 200, 200, 200),
  "GET /dashboard/decisions/:id": row(200, 200, 200, 200, 200, 200, 200, 200, 200),
  "GET /dashboard/deployments/:id": row(200, 200, 200, 200, 200, 200, 200, 200, 200),
  "GET /v1/sessions/:id/attestation": row(401, 401, 403, 200, 200, 200, 403, 200, 404),
  "POST /v1/agents": row(401, 401, 403, 403, 403, 201, 403, 403, 403),
  "GET /v1/agents": row(401, 401, 403, 200, 200, 200, 403, 403, 403),
  "GET /v1/agents/:id": row(401, 401, 403, 200, 200, 200, 403, 403, 403),
  "POST /v1/agents/:id/disable": row(401, 401, 403, 403, 403, 200, 403, 403, 403),
  "POST /v1/agents/:id/enable": row(401, 401, 403, 403, 403, 200, 403, 403, 403),
  "POST /v1/agents/:id/rotate-key": row(401, 401, 403, 403, 403, 409, 403, 403, 403),
  "GET /v1/policies": row(401, 401, 403, 200, 200, 200, 403, 403, 403),
  "POST /v1/policies/rollback": row(401, 401, 403, 403, 403, 200, 403, 403, 403),
  "POST /v1/policies/release": row(401, 401, 403, 403, 403, 200, 403, 403, 403),
  "GET /bundles/countersign.tar.gz": row(401, 401, 403, 200, 200, 200, 403, 403, 403),
  "GET /v1/audit": row(401, 401, 403, 403, 200, 200, 403, 403, 403),
  "GET /v1/audit/scopes": row(401, 401, 403, 403, 200, 200, 403, 403, 403),
  "GET /v1/audit/deployments/:id": row(401, 401, 403, 403, 404, 404, 403, 403, 403),
  "POST /oauth2/token": row(400, 400, 400, 400, 400, 400, 400, 400, 400),
  "POST /oauth2/revoke": row(400, 400, 400, 400, 400, 400, 400, 400, 400),
  "GET /.well-known/jwks.json": row(200, 200, 200, 200, 200, 200, 200, 200, 200),
  "GET /.well-known/openid-configuration": row(200, 200, 200, 200, 200, 200, 200, 200, 200),
};

function row(...statuses: number[]): Record<Caller, number> {
  return Object.fromEntries(callers.map((caller, i) => [caller, statuses[i]])) as Record<Caller, number>;
}

/** What becomes of the approval. */
const outcomes: Record<string, string> = {
  "POST /v1/approvals/:id/decision": "approved",
  "POST /v1/approvals/:id/revoke": "denied",
};

/** What each route takes. */
const bodies: Record<string, object> = {
  "POST /v1/check": { tool: "shell", action: "crawl" },
  "POST /v1/approvals/:id/decision": { decision: "approve" },
  "POST /v1/approvals/:id/revoke": {},
  "POST /approvals/session": { token: "token-bob" },
  "PUT /v1/log": { level: "warn" },
  "POST /v1/agents": { id: "nightly" },
  "POST /v1/agents/:id/disable": {},
  "POST /v1/agents/:id/enable": {},
  "POST /v1/agents/:id/rotate-key": {},
  "POST /v1/policies/rollback": { version: "sha256:9f2c1a77" },
  "POST /v1/policies/release": {},
};

/** What there is at a path with an id; agents of the files have no key that could be rotated here. */
function idIn(url: string): string {
  if (url.startsWith("/v1/sessions/")) return session.id;
  if (url.startsWith("/approvals/assets/")) return "approvals.js";
  return /^\/v1\/(agents|usage)\//.test(url) ? "deploy-manager" : id;
}

async function credential(caller: Caller): Promise<Record<string, string>> {
  if (caller === "none") return {};
  if (caller === "agent") return made.agent("deploy-manager");
  if (caller === "other-agent") return made.agent("other-agent");
  return as(caller);
}

const cells = Object.entries(matrix).flatMap(([route, wanted]) =>
  callers.map((caller) => ({ route, caller, status: wanted[caller] })),
);

test.each(cells)("$route by $caller: $status", async ({ route, caller, status }) => {
  const [method, url = ""] = route.split(" ");
  const response = await made.send({
    ...(method ? { method } : {}),
    url: url.replace(/:\w+/, idIn(url)),
    headers: await credential(caller),
    ...(bodies[route] ? { payload: bodies[route] } : {}),
  });
  expect(response.statusCode).toBe(status);
  const shared = url.startsWith("/.well-known/");
  const asked = url.startsWith("/approvals/assets/") ? "no-cache" : "no-store";
  expect(response.headers["cache-control"]).toBe(shared ? "public, max-age=300" : asked);
  expect(response.headers["x-content-type-options"]).toBe("nosniff");
  expect(response.headers["access-control-allow-origin"]).toBeUndefined();
  const problem = url.startsWith("/oauth2/") ? "application/json" : "application/problem+json";
  if (status >= 400) expect(response.headers["content-type"]).toBe(problem);
  const challenge = response.headers["www-authenticate"]?.replace(/, error=.*/, "");
  expect(challenge).toBe(status === 401 ? 'Bearer realm="countersign"' : undefined);
  const became = status === 200 ? outcomes[route] : undefined;
  expect((await made.here.stored(id)).status).toBe(became ?? "pending");
});

test("the matrix has every route", () => {
  expect(Object.keys(matrix).sort()).toEqual(Object.keys(routeAccess).sort());
});

describe("whose proof takes long", () => {
  test("waits for nothing where it is not asked for", async () => {
    let asked = 0;
    const app = fastify();
    guardRoutes(app, async () => {
      asked += 1;
      throw new Error("refused");
    });
    const routes = Object.entries(routeAccess).map(([route, access]) => {
      const [method = "", url = ""] = route.split(" ");
      app.route({ method, url, handler: async ({ principal }) => ({ principal }) });
      return { route, access, method, url };
    });
    for (const { route, access, method, url } of routes) {
      const before = asked;
      const answer = await app.inject({ method: method as "GET", url, headers: as("admin") });
      expect([route, asked - before]).toEqual([route, access === "public" ? 0 : 1]);
      if (typeof access === "string") expect(answer.json()).toEqual({ principal: null });
    }
    await app.close();
  });

  test("is asked for where it shows more", async () => {
    expect((await made.send({ url: "/readyz", headers: as("admin") })).json().state).toBeDefined();
    expect((await made.send({ url: "/readyz" })).json().state).toBeUndefined();
  });
});

test("a route without declared access cannot be registered", () => {
  const app = fastify();
  guardRoutes(app, async () => {
    throw new Error("not reached");
  });
  expect(() => app.get("/v1/secrets", async () => "")).toThrow("the route GET /v1/secrets declares no access");
  expect(() => app.delete("/healthz", async () => "")).toThrow("the route DELETE /healthz declares no access");
});

test("who is refused is refused before the body is read", async () => {
  const url = `/v1/approvals/${id}/decision`;
  const json = { "content-type": "application/json" };
  const request = { method: "POST", url, payload: "{not json" } as const;
  expect((await made.send({ ...request, headers: json })).statusCode).toBe(401);
  expect((await made.send({ ...request, headers: { ...json, ...as("viewer") } })).statusCode).toBe(403);
  expect((await made.send({ ...request, headers: { ...json, ...as("bob") } })).statusCode).toBe(400);
});

test.each([
  ["/v1/approvals", ["GET", "HEAD"]],
  ["/v1/approvals/?status=pending", []],
  ["/v1/approvals/apr_1?wait=1s", ["GET", "HEAD"]],
  ["/v1/approvals/apr_1/decision", ["POST"]],
  ["/v1/approvals/apr_1/decision/x", []],
  ["/v1/sessions/abc-123/attestation?agent=a", ["GET", "HEAD"]],
  ["/v1/sessions/abc-123", []],
  ["/v1/agents", ["POST", "GET", "HEAD"]],
  ["/v1/agents/a%2Fb%40c", ["GET", "HEAD"]],
  ["/v1/agents/a/b", []],
  ["/", []],
])("%s takes %p", (target, methods) => {
  expect(methodsAt(target)).toEqual(methods);
});
