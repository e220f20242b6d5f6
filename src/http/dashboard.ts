import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import type { Page } from "../page/page.js";
import type { DashboardView, DashboardWindow } from "../stats/dashboard.js";
import type { Readiness } from "./health.js";
import { pageHeaders } from "./page_headers.js";
import { valid } from "./valid.js";

export const dashboardQuery = z.strictObject({ window: z.enum(["1h", "6h", "24h"]).default("1h") });

export interface DashboardRouteDeps {
  dashboard: (window: DashboardWindow) => Promise<Omit<DashboardView, "health">>;
  ready: () => Readiness | Promise<Readiness>;
  page: Pick<Page, "assets">;
}

/** The page `/dashboard`, which shows nothing by itself, and the numbers that it asks for as whoever has signed in. */
export function dashboardRoutes(app: FastifyInstance, { dashboard, ready, page }: DashboardRouteDeps): void {
  const html = async (_request: unknown, reply: FastifyReply) =>
    reply.headers(pageHeaders).type("text/html; charset=utf-8").send(page.assets.pages.dashboard);

  app.get("/dashboard", html);
  app.get("/dashboard/decisions/:id", html);
  app.get("/dashboard/deployments/:id", html);

  app.get("/v1/dashboard", async (request): Promise<DashboardView> => {
    const { window } = valid(dashboardQuery, request.query, "query");
    return { ...(await dashboard(window)), health: healthOf(await ready()) };
  });
}

/** Whether each part is well, in no more words than that: what is wrong is told to fewer people, at `/readyz`. */
function healthOf({ ready, detail }: Readiness): DashboardView["health"] {
  const { stopping, policy_version: _version, rolled_back: _rolledBack, worker: _worker, ...parts } = detail;
  // `off`: a part that nobody has set up.
  const isWell = (state: unknown) =>
    state === "ok" ||
    state === "off" ||
    state === null ||
    (typeof state === "object" && Object.keys(state).length === 0);
  const told = Object.entries(parts).map(([name, state]) => [name, isWell(state) ? "ok" : "trouble"] as const);
  return { ready: ready && stopping !== true, parts: Object.fromEntries(told) };
}
