import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { ApprovalLink } from "../approvals/link.js";
import type { Json } from "../call.js";
import { sha256Hex } from "../canonical.js";
import { PageError } from "../page/error.js";
import type { Page } from "../page/page.js";
import type { Person } from "../registry/registry.js";
import { cookiesOf, headersOf } from "./authenticate.js";
import { problemOf } from "./errors.js";
import { checkCsrf, checkOwnPage } from "./own_page.js";
import { HttpProblem } from "./problem.js";
import { valid } from "./valid.js";

export const signInBody = z.strictObject({ token: z.string().min(1).max(8_192) });

/** What the page is told of who looks at it. */
export interface PageSessionView {
  person: Pick<Person, "id" | "access" | "groups"> | null;
  /** What changes have to bring along in `x-csrf-token`; `null` for who has not signed in here. */
  csrf: string | null;
  link: { approval_id: string } | null;
  /** Whether people can sign in by OpenID Connect. */
  oidc: boolean;
}

/** `/approvals/session`: who has signed in, signing in by a token of people.yaml, and signing out. */
export function pageSessionRoutes(app: FastifyInstance, page: Page): void {
  const own = { onRequest: async (request: FastifyRequest) => checkOwnPage(request, page) };
  const viewOf = (person: Person | null, csrf: string | null, link: ApprovalLink | null): PageSessionView => ({
    person: person && { id: person.id, access: person.access, groups: person.groups },
    csrf,
    link: link && { approval_id: link.id },
    oidc: page.oidc !== null,
  });

  app.get("/approvals/session", async ({ principal }) => {
    const person = principal?.kind === "person" ? principal : null;
    const link = principal?.kind === "link" ? principal.link : (person?.link ?? null);
    return viewOf(person?.person ?? null, person?.csrf ?? null, link);
  });

  app.post<{ Body: Json }>("/approvals/session", own, async (request, reply) => {
    const { token } = valid(signInBody, request.body, "body");
    const proof = { by: "token", token_sha256: sha256Hex(token) } as const;
    // A look-up is no guess: who has the token gets in, whoever else failed from the same address.
    const person = page.personByToken(token) ?? (await paced(page, request, reply, async () => nobody()));
    const session = page.sessions.open(person, proof);
    reply.header("set-cookie", page.cookies.set("session", session.token, page.sessionMs));
    const visitor = await page.visitor(sentCookies(request));
    return viewOf(person, session.csrf, visitor?.link ?? null);
  });

  app.delete("/approvals/session", own, async (request, reply) => {
    const visitor = await page.visitor(sentCookies(request));
    if (visitor?.session) checkCsrf(request, visitor.session);
    reply.header("set-cookie", [page.cookies.clear("session"), page.cookies.clear("link")]);
    return reply.code(204).send();
  });
}

function nobody(): never {
  throw new PageError("token_unknown");
}

/** One try to sign in. Throws `HttpProblem` 429 when too many failed, and then nothing was tried. */
export async function paced<T>(
  { pace }: Pick<Page, "pace">,
  { ip }: FastifyRequest,
  reply: FastifyReply,
  attempt: () => Promise<T>,
): Promise<T> {
  const seconds = Math.ceil(pace.waitMs(ip) / 1000);
  if (seconds > 0) {
    reply.header("retry-after", String(seconds));
    throw new HttpProblem(429, "too_many_sign_ins", `too many sign-ins failed; try again in ${seconds} s`);
  }
  try {
    return await attempt();
  } catch (error) {
    // What fails on our side says nothing about who tries.
    if (problemOf(error).status < 500) pace.failed(ip);
    throw error;
  }
}

export function sentCookies(request: FastifyRequest): string[] {
  return cookiesOf(headersOf(request.raw.rawHeaders));
}
