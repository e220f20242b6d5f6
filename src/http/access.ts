import type { FastifyInstance } from "fastify";
import type { Access } from "../registry/registry.js";
import type { Authenticate, Principal } from "./authenticate.js";
import { HttpProblem } from "./problem.js";

/**
 * Who may use a route: everybody, or people with one of these accesses, or agents where `agent` is listed, or who opened a
 * link to an approval where `link` is. `optional` is
 * everybody too, and who proves to be somebody may be shown more; on `public` routes nobody's proof is looked at.
 */
export type RouteAccess = "public" | "optional" | readonly (Access | "agent" | "link")[];

/**
 * Every route of the HTTP API. A route that is not in here cannot be registered. HEAD follows GET.
 * `/readyz` answers everybody with its status; its details take an access that is checked where they are added.
 */
export const routeAccess = {
  "GET /healthz": "public",
  "GET /readyz": "optional",
  "GET /metrics": ["viewer", "admin"],
  "GET /v1/log": ["admin"],
  "PUT /v1/log": ["admin"],
  "GET /openapi.json": "public",
  /** For agents: the pipeline itself identifies the caller, so that refusals of identity are recorded too. */
  "POST /v1/check": "public",
  "GET /v1/approvals": ["approver", "auditor", "admin"],
  "GET /v1/approvals/:id": ["approver", "auditor", "admin", "agent", "link"],
  "POST /v1/approvals/:id/decision": ["approver"],
  "POST /v1/approvals/:id/revoke": ["approver"],
  "GET /v1/usage/:id": ["viewer", "approver", "auditor", "admin", "agent"],
  /** Proves itself by Slack's signature. */
  "POST /v1/integrations/slack/interactions": "public",
  /** The page: it shows nothing by itself, and asks the API as whoever has signed in. */
  "GET /approvals": "public",
  "GET /approvals/:id": "public",
  "GET /approvals/assets/:name": "public",
  "GET /approvals/session": "optional",
  "POST /approvals/session": "public",
  "DELETE /approvals/session": "public",
  "GET /approvals/oidc/start": "public",
  "GET /approvals/oidc/callback": "public",
  "GET /approvals/open": "public",
  "GET /v1/dashboard": ["viewer", "approver", "auditor", "admin"],
  /** This page, too, shows nothing by itself. */
  "GET /dashboard": "public",
  "GET /dashboard/decisions/:id": "public",
  "GET /dashboard/deployments/:id": "public",
  "GET /v1/sessions/:id/attestation": ["viewer", "auditor", "admin", "agent"],
  "POST /v1/agents": ["admin"],
  "GET /v1/agents": ["viewer", "auditor", "admin"],
  "GET /v1/agents/:id": ["viewer", "auditor", "admin"],
  "POST /v1/agents/:id/disable": ["admin"],
  "POST /v1/agents/:id/enable": ["admin"],
  "POST /v1/agents/:id/rotate-key": ["admin"],
  "GET /v1/policies": ["viewer", "auditor", "admin"],
  "POST /v1/policies/rollback": ["admin"],
  "POST /v1/policies/release": ["admin"],
  "GET /bundles/countersign.tar.gz": ["viewer", "auditor", "admin"],
  "GET /v1/audit": ["auditor", "admin"],
  "GET /v1/audit/scopes": ["auditor", "admin"],
  "GET /v1/audit/deployments/:id": ["auditor", "admin"],
  "POST /oauth2/token": "public",
  "POST /oauth2/revoke": "public",
  "GET /.well-known/jwks.json": "public",
  "GET /.well-known/openid-configuration": "public",
} as const satisfies Record<string, RouteAccess>;

/** May see what is inside: `/readyz` details. */
export const detailAccess = ["viewer", "admin"] as const satisfies RouteAccess;

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks; `null` on public routes, and on optional ones for callers that prove nothing. */
    principal: Principal | null;
  }
}

/** Checks every request before its body is read, and refuses the registration of routes without declared access. */
export function guardRoutes(app: FastifyInstance, authenticate: Authenticate): void {
  app.decorateRequest("principal", null);

  app.addHook("onRoute", ({ method, url }) => {
    for (const one of [method].flat()) {
      if (accessOf(one, url) === undefined) throw new Error(`the route ${one} ${url} declares no access`);
    }
  });

  app.addHook("onRequest", async (request) => {
    const { url, method } = request.routeOptions;
    if (url === undefined || request.is404) return;
    const access = accessOf([method].flat()[0] ?? "", url);
    if (access === undefined) throw new Error("a route without declared access");
    if (access === "public") return;
    if (access === "optional") {
      request.principal = await authenticate(request).catch(() => null);
      return;
    }
    const principal = admitted(access, await authenticate(request));
    if (!principal) throw new HttpProblem(403, "access_denied", "your access does not cover this");
    request.principal = principal;
  });
}

/** The caller as whom the access names; a person whom it does not may still have opened a link. */
function admitted(access: Exclude<RouteAccess, string>, principal: Principal): Principal | null {
  if (permits(access, principal)) return principal;
  if (principal.kind !== "person" || !principal.link) return null;
  const opened: Principal = { kind: "link", link: principal.link };
  return permits(access, opened) ? opened : null;
}

/** True when the access names the caller. */
export function permits(access: Exclude<RouteAccess, string>, principal: Principal | null): boolean {
  if (!principal) return false;
  if (principal.kind !== "person") return access.includes(principal.kind);
  return principal.person.access.some((held) => access.includes(held));
}

/** Methods that a path takes, for `405` and its `allow` header; none when there is no such path. */
export function methodsAt(target: string): string[] {
  const path = target.split("?", 1)[0] ?? "";
  const found = Object.keys(routeAccess).flatMap((route) => {
    const [method = "", pattern = ""] = route.split(" ");
    if (!matches(pattern, path)) return [];
    return method === "GET" ? ["GET", "HEAD"] : [method];
  });
  return [...new Set(found)];
}

function accessOf(method: string, url: string): RouteAccess | undefined {
  const route = `${method === "HEAD" ? "GET" : method} ${url}`;
  return Object.hasOwn(routeAccess, route) ? routeAccess[route as keyof typeof routeAccess] : undefined;
}

function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split("/"), path.split("/")];
  return (
    wanted.length === given.length &&
    wanted.every((part, i) => (part.startsWith(":") ? given[i] !== "" : part === given[i]))
  );
}
