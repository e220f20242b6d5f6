import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Filter } from "../audit_query/filter.js";
import type { Page } from "../audit_query/page.js";
import { BadSpan, pageParameters, spanFrom, spanParameters } from "../audit_query/parameters.js";
import { BadPosition } from "../audit_query/search.js";
import { Busy } from "../audit_query/turns.js";
import type { DeploymentEvidence } from "../evidence/deployment.js";
import type { ScopesReport } from "../evidence/scopes.js";
import type { EvidenceService } from "../evidence/service.js";
import type { Runtime } from "../runtime.js";
import { HttpProblem } from "./problem.js";
import { valid } from "./valid.js";

const params = z.strictObject({ id: z.string().min(1).max(512) });
export const auditQuery = pageParameters;
export const spanQuery = z.strictObject(spanParameters);

/** What is looked through when nobody says. */
const usualSpan = "30d";

export interface AuditRouteDeps {
  evidence: EvidenceService;
  runtime: Pick<Runtime, "now">;
}

/** Whether the chain was verified is said in the answer, for readers who only see that. */
export type ServedEvidence = DeploymentEvidence & { verified: false };

/** `/v1/audit`: records by bound filters, grants against use, and the five answers about one deployment. */
export function auditRoutes(app: FastifyInstance, { evidence, runtime }: AuditRouteDeps): void {
  const span = (given: { from?: string; to?: string }) => spanFrom(given, runtime.now());

  app.get("/v1/audit", async (request, reply) => {
    const { limit, cursor = null, from, to, ...members } = valid(auditQuery, request.query, "query");
    const between = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
    const page = await told(async () => evidence.page({ ...members, ...span(between) } as Filter, { limit, cursor }));
    return reply.type("application/json; charset=utf-8").send(pageBytes(page));
  });

  app.get("/v1/audit/scopes", async (request): Promise<ScopesReport> => {
    const given = { from: usualSpan, ...valid(spanQuery, request.query, "query") };
    return told(async () => evidence.scopes(span(given)));
  });

  app.get("/v1/audit/deployments/:id", async (request): Promise<ServedEvidence> => {
    const parsed = params.safeParse(request.params);
    if (!parsed.success) throw notFound();
    const given = valid(spanQuery, request.query, "query");
    const found = await told(async () => evidence.deployment(parsed.data.id, span(given)));
    if (!found) throw notFound();
    return { ...found, verified: false };
  });
}

/** The records as they stand in their lines: parsed and written again, a large number could come out as another one. */
function pageBytes({ found, next, unreadable }: Page): Buffer {
  const lines = found.flatMap(({ line }, i) => (i === 0 ? [line] : [comma, line]));
  const rest = JSON.stringify({ next, unreadable }).slice(1);
  return Buffer.concat([Buffer.from('{"records":['), ...lines, Buffer.from(`],${rest}`)]);
}
const comma = Buffer.from(",");

async function told<T>(search: () => Promise<T>): Promise<T> {
  try {
    return await search();
  } catch (error) {
    if (error instanceof BadSpan) throw new HttpProblem(400, "malformed_parameter", `query: ${error.message}`);
    if (error instanceof BadPosition) {
      throw new HttpProblem(400, "cursor_invalid", `query.cursor: ${error.message}; begin again without it`);
    }
    if (error instanceof Busy) throw new HttpProblem(503, "searches_busy", error.message, {}, { "retry-after": "5" });
    throw error;
  }
}

function notFound(): HttpProblem {
  return new HttpProblem(404, "not_found", "no record that was read tells of such a deployment");
}
