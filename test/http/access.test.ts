import fastify from "fastify";
import { guardRoutes, methodsAt, routeAccess } from "../../src/http/access.js";
import { type Api, api, as } from "./fixture.js";

let made: Api;
let id: string;
beforeEach(async () => {
  made = await api();
  id = await made.here.open();
});
afterEach(() => made.app.close());

const callers = ["none", "unknown", "nothing", "viewer", "auditor", "admin", "bob", "agent", "other-agent"] as const;
type Caller = (typeof callers)[number];

/** Status for each route and caller; `bob` is an approver, `agent` the one that asked. */
const matrix: Record<keyof typeof routeAccess, Record<Caller, number>> = {
  "GET /healthz": row(200, 200, 200, 200, 200, 200, 200, 200, 200),
  "GET /readyz": row(200, 200, 200, 200, 200, 200, 200, 200, 200),
  "GET /metrics": row(401, 401, 403, 200, 403, 200, 403, 403, 403),
  "GET /v1/approvals": row(401, 401, 403, 403, 200, 200, 200, 403, 403),
  "GET /v1/approvals/:id": row(401, 401, 403, 403, 200, 200, 200, 200, 404),
  "POST /v1/approvals/:id/decision": row(401, 401, 403, 403, 403, 403, 200, 403, 403),
  "GET /v1/policies": row(401, 401, 403, 200, 200, 200, 403, 403, 403),
  "POST /v1/policies/rollback": row(401, 401, 403, 403, 403, 200, 403, 403, 403),
  "POST /v1/policies/release": row(401, 401, 403, 403, 403, 200, 403, 403, 403),
  "GET /bundles/countersign.tar.gz": row(401, 401, 403, 200, 200, 200, 403, 403, 403),
};

function row(...statuses: number[]): Record<Caller, number> {
  return Object.fromEntries(callers.map((caller, i) => [caller, statuses[i]])) as Record<Caller, number>;
}

/** What each route takes. */
const bodies: Record<string, object> = {
  "POST /v1/approvals/:id/decision": { decision: "approve" },
  "POST /v1/policies/rollback": { version: "sha256:9f2c1a77" },
  "POST /v1/policies/release": {},
};

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
    url: url.replace(":id", id),
    headers: await credential(caller),
    ...(bodies[route] ? { payload: bodies[route] } : {}),
  });
  expect(response.statusCode).toBe(status);
  expect(response.headers["cache-control"]).toBe("no-store");
  expect(response.headers["x-content-type-options"]).toBe("nosniff");
  expect(response.headers["access-control-allow-origin"]).toBeUndefined();
  if (status >= 400) expect(response.headers["content-type"]).toBe("application/problem+json");
  expect(response.headers["www-authenticate"]).toBe(status === 401 ? 'Bearer realm="countersign"' : undefined);
  const approved = route === "POST /v1/approvals/:id/decision" && status === 200;
  expect((await made.here.stored(id)).status).toBe(approved ? "approved" : "pending");
});

test("the matrix has every route", () => {
  expect(Object.keys(matrix).sort()).toEqual(Object.keys(routeAccess).sort());
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
  ["/", []],
])("%s takes %p", (target, methods) => {
  expect(methodsAt(target)).toEqual(methods);
});
