import type { FastifyRequest } from "fastify";
import type { ApprovalLink } from "../approvals/link.js";
import type { Header, Identity } from "../call.js";
import type { PersonClaim, TrustedIssuers } from "../issuers/issuers.js";
import { claimedIssuer } from "../issuers/read_token.js";
import type { Page, Visitor } from "../page/page.js";
import { Refusal } from "../refusal.js";
import { personClaimed } from "../registry/claimed.js";
import type { Person, Registry } from "../registry/registry.js";
import type { Runtime } from "../runtime.js";
import { checkChange } from "./own_page.js";
import { HttpProblem } from "./problem.js";

/** Who asks the HTTP API: somebody in `people.yaml`, an agent by its own credential, or whoever opened a link. */
export type Principal =
  | {
      kind: "person";
      person: Person;
      /** Of a browser session. */
      csrf?: string;
      /** That the same browser has opened. */
      link?: ApprovalLink;
    }
  | { kind: "agent"; identity: Identity }
  | { kind: "link"; link: ApprovalLink };

/** Throws `Refusal` with a reason of status 401 when the request proves nobody. */
export type Authenticate = (request: FastifyRequest) => Promise<Principal>;

const bearerForm = /^bearer +([!-~]{1,8192})$/i;

export interface AuthenticateDeps {
  registry: () => Registry;
  identifyAgent: (headers: readonly Header[]) => Promise<Identity>;
  credentials: { trusted: Pick<TrustedIssuers, "knows" | "person"> };
  runtime: Pick<Runtime, "now">;
  page: Pick<Page, "visitor" | "isOwn">;
}

/**
 * A person by their static bearer token, or by the token of an issuer that is trusted for people; everything else goes
 * through the credential table that calls go through, so an agent proves itself here exactly as it does to Envoy. Cookies
 * of the page count where no such credential is brought.
 */
export function authenticator(deps: AuthenticateDeps): Authenticate {
  return async (request) => {
    const headers = headersOf(request.raw.rawHeaders);
    const visitor = headers.some(isCredential) ? null : await deps.page.visitor(cookiesOf(headers));
    if (visitor) return principalOf(visitor, request, deps.page);
    const token = onlyBearer(headers);
    const person = token === null ? null : (deps.registry().personByToken(token) ?? (await personBy(token, deps)));
    if (person) return { kind: "person", person };
    return { kind: "agent", identity: await deps.identifyAgent(headers) };
  };
}

/** Throws `HttpProblem` 403 for a change that none of our own pages asks for. */
function principalOf({ session, link }: Visitor, request: FastifyRequest, page: Pick<Page, "isOwn">): Principal {
  if (session) {
    checkChange(request, page, session);
    return { kind: "person", ...session, ...(link && { link }) };
  }
  if (link) return { kind: "link", link };
  throw new Error("a visitor who proves nothing");
}

/** `null` for a token of an issuer that no people come by. Throws when it names nobody. */
async function personBy(token: string, { registry, credentials, runtime }: AuthenticateDeps): Promise<Person | null> {
  // It only chooses who verifies the token, and that includes the issuer.
  const issuer = claimedIssuer(token);
  if (typeof issuer !== "string" || !credentials.trusted.knows("people", issuer)) return null;
  let claim: PersonClaim;
  try {
    claim = await credentials.trusted.person(token, runtime.now());
  } catch (error) {
    // The same issuer may also be trusted for agents, under another audience.
    const elsewhere = credentials.trusted.knows("agents", issuer);
    if (elsewhere && error instanceof Refusal && error.reason === "token_wrong_audience") return null;
    throw error;
  }
  const person = personClaimed(registry(), claim.name, claim.aliases ? "any" : "id");
  if (!person) throw new HttpProblem(401, "person_unknown", "the token names nobody in people.yaml");
  return person;
}

/** Names and values side by side, as Node read them. `headers` would silently drop a second `authorization`. */
export function headersOf(rawHeaders: readonly string[]): Header[] {
  return rawHeaders.flatMap((name, i) =>
    i % 2 === 0 ? [{ name: name.toLowerCase(), value: rawHeaders[i + 1] ?? "" }] : [],
  );
}

/** The values of the `Cookie` headers. */
export function cookiesOf(headers: readonly Header[]): string[] {
  return headers.filter(({ name }) => name === "cookie").map(({ value }) => value);
}

function isCredential({ name }: Header): boolean {
  return name === "authorization" || name === "x-api-key";
}

/** The bearer token, where it is the only credential. */
function onlyBearer(headers: readonly Header[]): string | null {
  const credentials = headers.filter(isCredential);
  const [only, ...others] = credentials;
  if (only?.name !== "authorization" || others.length > 0) return null;
  return bearerForm.exec(only.value)?.[1] ?? null;
}
