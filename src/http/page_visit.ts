import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { PageError } from "../page/error.js";
import { messagePage } from "../page/message.js";
import { type OidcSignIn, returnForm, signInMs } from "../page/oidc.js";
import type { Page } from "../page/page.js";
import { preferred } from "./accept.js";
import { type HttpLog, problemOf } from "./errors.js";
import { pageHeaders } from "./page_headers.js";
import { paced, sentCookies } from "./page_session.js";
import { HttpProblem, problemType, sendProblem } from "./problem.js";
import { valid } from "./valid.js";

export const startQuery = z.strictObject({
  return: z.string().regex(returnForm, "must be the address of a page here, such as /approvals").default("/approvals"),
});
export const openQuery = z.strictObject({ link: z.string().min(1).max(2_048) });

/**
 * Where browsers are sent from elsewhere: by a link, and to and from the identity provider. Nothing here decides about an
 * approval. People who see an error get it as a page, in a scope of its own.
 */
export function pageVisitRoutes(app: FastifyInstance, page: Page, log: HttpLog): void {
  app.register(async (scope) => {
    scope.setErrorHandler((error, request, reply) => answer(error, request, reply, log));

    scope.get("/approvals/open", async (request, reply) => {
      const { link: token } = valid(openQuery, request.query, "query");
      const link = await page.link(token);
      if (!link) throw new PageError("link_invalid");
      reply.header("set-cookie", page.cookies.set("link", token, link.expiresAtMs - page.now()));
      return reply.redirect(`/approvals/${encodeURIComponent(link.id)}`, 303);
    });

    scope.get("/approvals/oidc/start", async (request, reply) => {
      const { return: returnTo } = valid(startQuery, request.query, "query");
      const { location, token } = await oidcOf(page).start(returnTo);
      reply.header("set-cookie", page.cookies.set("signIn", token, signInMs));
      return reply.redirect(location, 302);
    });

    scope.get("/approvals/oidc/callback", async (request, reply) => {
      const oidc = oidcOf(page);
      reply.header("set-cookie", page.cookies.clear("signIn"));
      const query = /\?(.*)$/s.exec(request.raw.url ?? "")?.[1] ?? "";
      const { signIn } = page.sent(sentCookies(request));
      // Any web site can have a browser ask for this address, but none can bring the cookie along.
      if (signIn === undefined) throw new PageError("sign_in_unknown");
      const { person, proof, returnTo } = await paced(page, request, reply, () => oidc.finish(query, signIn));
      const { token } = page.sessions.open(person, proof);
      reply.header("set-cookie", page.cookies.set("session", token, page.sessionMs));
      return reply.redirect(returnTo, 302);
    });
  });
}

function oidcOf({ oidc }: Page): OidcSignIn {
  if (oidc) return oidc;
  throw new HttpProblem(404, "not_found", "people sign in here by a token: approvals.page.oidc is not configured");
}

function answer(error: unknown, request: FastifyRequest, reply: FastifyReply, log: HttpLog): FastifyReply {
  const problem = problemOf(error);
  if (problem.status >= 500) {
    log.error({ err: error, method: request.method, route: request.routeOptions.url }, problem.message);
  }
  if (preferred(request.headers.accept, [problemType, "text/html"]) === problemType) return sendProblem(reply, problem);
  if (problem.status === 401) reply.header("www-authenticate", 'Bearer realm="countersign"');
  return reply
    .code(problem.status)
    .headers(pageHeaders)
    .type("text/html; charset=utf-8")
    .send(messagePage(problem.message));
}
