import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import type { ApprovalsService } from "../approvals/service.js";
import type { Viewer } from "../approvals/view.js";
import type { Identity, Json } from "../call.js";
import { parseDuration } from "../duration.js";
import type { Person } from "../registry/registry.js";
import type { Principal } from "./authenticate.js";
import { HttpProblem } from "./problem.js";
import { valid } from "./valid.js";

const statuses = ["pending", "approved", "denied", "expired", "consumed"] as const;
export const listQuery = z.strictObject({
  status: z.enum(statuses).exactOptional(),
  agent: z.string().min(1).max(128).exactOptional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(1000))
    .default(100),
});
const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms === null) context.addIssue({ code: "custom", message: "must be a duration such as 30s" });
  return ms ?? 0;
});
export const showQuery = z.strictObject({ wait: duration.default(0) });
const params = z.strictObject({ id: z.string().regex(/^[\w-]{1,64}$/) });
export const decisionBody = z.strictObject({
  decision: z.enum(["approve", "deny"]),
  comment: z.string().exactOptional(),
  /** `shown` of the approval that the person saw. */
  shown: z.string().exactOptional(),
});
export const revokeBody = z.strictObject({ comment: z.string().exactOptional() }).default({});

export interface ApprovalRouteDeps {
  approvals: ApprovalsService;
  /** Id of the session that a call with this identity belongs to. */
  sessionIdOf: (identity: Identity) => string;
}

/** `/v1/approvals`: list, show and long-poll, decide and revoke. Only a POST ever changes anything. */
export function approvalRoutes(app: FastifyInstance, { approvals, sessionIdOf }: ApprovalRouteDeps): void {
  const stopping = new AbortController();
  app.addHook("preClose", async () => stopping.abort());

  app.get("/v1/approvals", async (request) => {
    return { approvals: await approvals.list(valid(listQuery, request.query, "query")) };
  });

  app.get("/v1/approvals/:id", async (request, reply) => {
    const id = idOf(request.params);
    const { wait } = valid(showQuery, request.query, "query");
    const viewer = viewerOf(request.principal, sessionIdOf);
    const signal = AbortSignal.any([stopping.signal, goneSignal(reply)]);
    const view = wait > 0 ? await approvals.wait(id, viewer, wait, signal) : await approvals.show(id, viewer);
    if (!view) throw notFound();
    return view;
  });

  app.post<{ Body: Json }>("/v1/approvals/:id/decision", async (request) => {
    const id = idOf(request.params);
    const person = personOf(request.principal);
    return approvals.answer(id, person, valid(decisionBody, request.body, "body"));
  });

  app.post<{ Body: Json }>("/v1/approvals/:id/revoke", async (request) => {
    const id = idOf(request.params);
    const person = personOf(request.principal);
    return approvals.answer(id, person, { decision: "revoke", ...valid(revokeBody, request.body, "body") });
  });
}

function viewerOf(principal: Principal | null, sessionIdOf: (identity: Identity) => string): Viewer {
  if (principal?.kind === "person" || principal?.kind === "link") return principal;
  if (principal?.kind === "agent") {
    const { identity } = principal;
    return { kind: "agent", agent: identity.agent.id, session: sessionIdOf(identity) };
  }
  throw new Error("a guarded route without a principal");
}

function personOf(principal: Principal | null): Person {
  if (principal?.kind !== "person") throw new Error("a people's route without a person");
  return principal.person;
}

function idOf(given: unknown): string {
  const parsed = params.safeParse(given);
  if (!parsed.success) throw notFound();
  return parsed.data.id;
}

function notFound(): HttpProblem {
  return new HttpProblem(404, "not_found", "there is no such approval");
}

/** Aborts when the client hangs up before it is answered. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  return gone.signal;
}
