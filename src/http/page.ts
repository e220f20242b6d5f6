import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import type { Page } from "../page/page.js";
import type { HttpLog } from "./errors.js";
import { pageHeaders } from "./page_headers.js";
import { pageSessionRoutes } from "./page_session.js";
import { pageVisitRoutes } from "./page_visit.js";
import { HttpProblem } from "./problem.js";

const params = z.object({ id: z.string().regex(/^[\w-]{1,64}$/) });

/** The page `/approvals`: what browsers load, signing in and out, and what links open. It shows nothing by itself. */
export function pageRoutes(app: FastifyInstance, page: Page, log: HttpLog): void {
  const html = (reply: FastifyReply) =>
    reply.headers(pageHeaders).type("text/html; charset=utf-8").send(page.assets.pages.approvals);

  app.get("/approvals", async (_request, reply) => html(reply));

  app.get("/approvals/:id", async (request, reply) => {
    if (!params.safeParse(request.params).success) throw notFound();
    return html(reply);
  });

  app.get<{ Params: { name: string } }>("/approvals/assets/:name", async (request, reply) => {
    const asset = page.assets.files.get(request.params.name);
    if (!asset) throw notFound();
    const { type, bytes, etag } = asset;
    // Asked for again each time: after an update an old script must not meet a new server.
    reply.headers({ "cache-control": "no-cache", etag });
    if (request.headers["if-none-match"] === etag) return reply.code(304).send();
    return reply.type(type).send(bytes);
  });

  pageSessionRoutes(app, page);
  pageVisitRoutes(app, page, log);
}

function notFound(): HttpProblem {
  return new HttpProblem(404, "not_found", "there is nothing here");
}
