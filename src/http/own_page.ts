import { timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import type { Page } from "../page/page.js";
import type { BrowserSession } from "../page/session.js";
import { HttpProblem } from "./problem.js";

/** Requests by which nothing is changed (RFC 9110 section 9.2.1), as far as there are routes for them. */
const safeMethods: readonly string[] = ["GET", "HEAD"];

/**
 * What somebody asks for by a cookie, which browsers send along whoever has the request made. Throws `HttpProblem` 403 unless
 * it changes nothing, or comes from a page of ours that knows the session's own word.
 */
export function checkChange(request: FastifyRequest, page: Pick<Page, "isOwn">, session: BrowserSession): void {
  if (safeMethods.includes(request.method)) return;
  checkOwnPage(request, page);
  checkCsrf(request, session);
}

/** Throws `HttpProblem` 403 for a request that another site has a browser make, and for one of no browser at all. */
export function checkOwnPage({ headers }: FastifyRequest, page: Pick<Page, "isOwn">): void {
  const fetchSite = headers["sec-fetch-site"];
  const from = { origin: headers.origin, host: headers.host, fetchSite: fetchSite?.toString() };
  if (page.isOwn(from)) return;
  throw new HttpProblem(403, "foreign_origin", "this comes from another site: use the page at public_url");
}

export function checkCsrf({ headers }: FastifyRequest, { csrf }: Pick<BrowserSession, "csrf">): void {
  const [given, wanted] = [headers["x-csrf-token"], csrf].map((text) => Buffer.from(String(text ?? "")));
  if (given && wanted && given.length === wanted.length && timingSafeEqual(given, wanted)) return;
  throw new HttpProblem(403, "csrf_token", "x-csrf-token is missing or not that of this session: load the page again");
}
