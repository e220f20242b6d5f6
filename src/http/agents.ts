import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { AgentError } from "../agents/error.js";
import { type AgentsService, maxKeepOldMs } from "../agents/service.js";
import type { Json } from "../call.js";
import { durationText, parseDuration } from "../duration.js";
import { agentFields } from "../registry/agents_schema.js";
import { HttpProblem } from "./problem.js";
import { valid } from "./valid.js";

export const createBody = z.strictObject(agentFields);
export const emptyBody = z.strictObject({}).optional();
const keepOldFor = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== null && ms <= maxKeepOldMs) return ms;
  const message = `must be a duration such as 10m, at most ${durationText(maxKeepOldMs)}`;
  context.addIssue({ code: "custom", message });
  return 0;
});
export const rotateBody = z.strictObject({ keep_old_for: keepOldFor.default(0) }).default({ keep_old_for: 0 });
const params = z.strictObject({ id: agentFields.id });

/** What the routes need of the service. */
export type AgentRoutesService = Pick<AgentsService, "create" | "list" | "show" | "disable" | "enable" | "rotateKey">;

/** `/v1/agents`: who is registered, and the changes of that. Keys are shown once, in the answer that made them. */
export function agentRoutes(app: FastifyInstance, agents: AgentRoutesService): void {
  app.post<{ Body: Json }>("/v1/agents", async (request, reply) => {
    const { model, ...wanted } = valid(createBody, request.body, "body");
    const given = { ...wanted, ...(model === undefined ? {} : { model }) };
    const created = await told(agents.create(given, personOf(request)));
    return reply
      .code(201)
      .header("location", `/v1/agents/${encodeURIComponent(created.agent.id)}`)
      .send(created);
  });

  app.get("/v1/agents", async () => ({ agents: await told(agents.list()) }));

  app.get("/v1/agents/:id", async (request) => told(agents.show(idOf(request))));

  app.post<{ Body: Json }>("/v1/agents/:id/disable", async (request) => {
    valid(emptyBody, request.body, "body");
    return told(agents.disable(idOf(request), personOf(request)));
  });

  app.post<{ Body: Json }>("/v1/agents/:id/enable", async (request) => {
    valid(emptyBody, request.body, "body");
    return told(agents.enable(idOf(request), personOf(request)));
  });

  app.post<{ Body: Json }>("/v1/agents/:id/rotate-key", async (request) => {
    const { keep_old_for } = valid(rotateBody, request.body, "body");
    return told(agents.rotateKey(idOf(request), keep_old_for, personOf(request)));
  });
}

async function told<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof AgentError) throw new HttpProblem(error.status, error.code, error.message);
    throw error;
  }
}

function idOf(request: FastifyRequest): string {
  const parsed = params.safeParse(request.params);
  if (!parsed.success) throw new HttpProblem(404, "unknown_agent", "there is no such agent");
  return parsed.data.id;
}

function personOf({ principal }: FastifyRequest): string {
  if (principal?.kind !== "person") throw new Error("a people's route without a person");
  return principal.person.id;
}
