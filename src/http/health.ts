import type { FastifyInstance } from "fastify";
import { detailAccess, permits } from "./access.js";
import { HttpProblem, sendProblem } from "./problem.js";

export interface Readiness {
  ready: boolean;
  /** For the operator: what is loaded, what is wrong. */
  detail: Record<string, unknown>;
}

/** `/healthz`: the process answers. `/readyz`: it can decide; 503 when it cannot. Details only for those who may see. */
export function healthRoutes(app: FastifyInstance, ready: () => Readiness | Promise<Readiness>): void {
  app.get("/healthz", async () => ({ status: "ok" }));

  app.get("/readyz", async (request, reply) => {
    const state = await ready();
    const shown = { ready: state.ready, ...(permits(detailAccess, request.principal) ? { state: state.detail } : {}) };
    if (state.ready) return shown;
    // Sent, not thrown: probes ask all the time, and why it is not ready has been logged where it came about.
    return sendProblem(reply, new HttpProblem(503, "not_ready", "the authorizer cannot decide now", shown));
  });
}
