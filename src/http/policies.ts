import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Json } from "../call.js";
import { maxReason } from "../history/ask.js";
import { HistoryError } from "../history/error.js";
import type { PolicyVersions } from "../history/service.js";
import { HttpProblem } from "./problem.js";
import { valid } from "./valid.js";

const reason = z.string().min(1).max(maxReason).nullable().default(null);
export const rollbackBody = z.strictObject({ version: z.string().max(80), reason });
export const releaseBody = z.strictObject({ reason });

/** `/v1/policies`: the versions of the policies, going back to one, and the end of that. */
export function policyRoutes(app: FastifyInstance, policies: PolicyVersions): void {
  app.get("/v1/policies", async () => policies.show());

  app.post<{ Body: Json }>("/v1/policies/rollback", async (request) => {
    const { version, reason } = valid(rollbackBody, request.body, "body");
    return told(policies.rollBack(version, personOf(request), reason));
  });

  app.post<{ Body: Json }>("/v1/policies/release", async (request) => {
    const { reason } = valid(releaseBody, request.body, "body");
    return told(policies.release(personOf(request), reason));
  });
}

async function told<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof HistoryError) throw new HttpProblem(error.status, error.code, error.message);
    throw error;
  }
}

function personOf({ principal }: FastifyRequest): string {
  if (principal?.kind !== "person") throw new Error("a people's route without a person");
  return principal.person.id;
}
