import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Identity } from "../call.js";
import type { Registry } from "../registry/registry.js";
import type { UsageView } from "../usage/usage.js";
import type { Principal } from "./authenticate.js";
import { HttpProblem } from "./problem.js";
import { valid } from "./valid.js";

const params = z.strictObject({ id: z.string().min(1).max(128) });
export const usageQuery = z.strictObject({ session: z.string().min(1).max(160).exactOptional() });

export interface UsageRouteDeps {
  usage: (agent: string, session: string | null) => Promise<UsageView>;
  /** Id of the session that a call with this identity belongs to. */
  sessionIdOf: (identity: Identity) => string;
  registry: () => Registry;
}

/** `GET /v1/usage/{agent}`: what an agent has used of its limits, for people and for the agent itself. */
export function usageRoutes(app: FastifyInstance, { usage, sessionIdOf, registry }: UsageRouteDeps): void {
  app.get("/v1/usage/:id", async (request): Promise<UsageView> => {
    const parsed = params.safeParse(request.params);
    if (!parsed.success) throw notFound();
    const { id: agent } = parsed.data;
    const { session } = valid(usageQuery, request.query, "query");
    const own = ownSession(request.principal, agent, session);
    if (!registry().agent(agent)) throw notFound();
    return usage(agent, own ?? session ?? null);
  });

  /** Agents see themselves, in the session of their credential; of others not even whether there are any. */
  function ownSession(principal: Principal | null, agent: string, session: string | undefined): string | null {
    if (principal?.kind !== "agent") return null;
    const { identity } = principal;
    const own = sessionIdOf(identity);
    if (identity.agent.id !== agent || (session ?? own) !== own) throw notFound();
    return own;
  }
}

function notFound(): HttpProblem {
  return new HttpProblem(404, "not_found", "there is no such agent");
}
