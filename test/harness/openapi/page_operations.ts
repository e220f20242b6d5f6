import type { routeAccess } from "../../../src/http/access.js";
import { openQuery, startQuery } from "../../../src/http/page_visit.js";
import { type Answered, answer, json, type Operation, problems, problemType } from "./operation.js";

type PageRoute = Extract<keyof typeof routeAccess, `${string} /approvals${string}`>;

const html = "text/html";
const htmlPage: Record<200, Answered> = { 200: { description: "the page", content: { [html]: "text" } } };

/** Browsers get errors as a page. */
function seen(...statuses: number[]): Record<number, Answered> {
  const told = Object.entries(problems(...statuses));
  return Object.fromEntries(
    told.map(([status, one]) => [status, { ...one, content: { ...one.content, [html]: "text" } } as Answered]),
  );
}

const notConfigured = "people sign in by a token: approvals.page.oidc is not configured";
const tooMany: Record<number, Answered> = {
  429: {
    description: "too many sign-ins failed",
    content: { [problemType]: "Problem", [html]: "text" },
    headers: { "retry-after": "seconds until the next try" },
  },
};
const foreign: Record<number, Answered> = {
  403: {
    description: "another site asks for it, or `x-csrf-token` is not that of the session",
    content: { [problemType]: "Problem" },
  },
};

/** The page `/approvals`: what browsers load, and how people sign in. */
export const pageOperations: Record<PageRoute, Operation> = {
  "GET /approvals": {
    id: "getApprovalsPage",
    summary: "The page where people answer approvals",
    description: "It shows nothing by itself, and asks this API as whoever has signed in.",
    tag: "page",
    answers: { ...htmlPage, ...problems(500) },
  },
  "GET /approvals/:id": {
    id: "getApprovalPage",
    summary: "The same page, at one approval",
    tag: "page",
    path: { id: "id of the approval, apr_..." },
    answers: { ...htmlPage, ...problems(404, 500) },
  },
  "GET /approvals/assets/:name": {
    id: "getPageAsset",
    summary: "A script or style sheet of the page",
    tag: "page",
    path: { name: "name of the file" },
    headers: { "if-none-match": "the etag of the file that the browser has" },
    answers: {
      200: {
        description: "the file",
        content: { "text/javascript": "text", "text/css": "text" },
        headers: { etag: "the hash of the file" },
      },
      304: { description: "the browser has it", headers: { etag: "the hash of the file" } },
      ...problems(404, 500),
    },
  },
  "GET /approvals/session": {
    id: "getPageSession",
    summary: "Who has signed in, and what changes have to bring along",
    tag: "page",
    answers: { ...answer("PageSession", "all members are null for nobody"), ...problems(500) },
  },
  "POST /approvals/session": {
    id: "signIn",
    summary: "Sign in by a token of people.yaml; the answer sets a cookie",
    description: "Only from the page itself: the request needs its `Origin`.",
    tag: "page",
    headers: { origin: "that of public_url" },
    body: { type: json, schema: "SignIn", required: true, examples: { token: { token: "token-bob" } } },
    answers: {
      ...answer("PageSession", "signed in"),
      ...problems(400, 401, 413, 415, 500),
      ...foreign,
      429: { ...(tooMany[429] as Answered), content: { [problemType]: "Problem" } },
    },
  },
  "DELETE /approvals/session": {
    id: "signOut",
    summary: "Sign out; the answer clears the cookies",
    tag: "page",
    headers: { origin: "that of public_url", "x-csrf-token": "of the session" },
    answers: { 204: { description: "signed out" }, ...problems(500), ...foreign },
  },
  "GET /approvals/oidc/start": {
    id: "startSignIn",
    summary: "To the identity provider",
    tag: "page",
    query: { schema: startQuery, says: { return: "where to go afterwards: /approvals or /approvals/{id}" } },
    answers: {
      302: { description: "to the provider", headers: { location: "its page", "set-cookie": "binds the answer" } },
      ...seen(400, 404, 500, 503),
      404: { ...(seen(404)[404] as Answered), description: notConfigured },
    },
  },
  "GET /approvals/oidc/callback": {
    id: "finishSignIn",
    summary: "Back from the identity provider; the answer sets a cookie",
    description: "The query is the provider's.",
    tag: "page",
    answers: {
      302: { description: "to the page", headers: { location: "the page", "set-cookie": "the session" } },
      ...seen(401, 404, 500, 503),
      404: { ...(seen(404)[404] as Answered), description: notConfigured },
      ...tooMany,
    },
  },
  "GET /approvals/open": {
    id: "openLink",
    summary: "A link opens one approval, to be looked at; the answer sets a cookie",
    description: "It shows the approval without sign-in, and decides nothing.",
    tag: "page",
    query: { schema: openQuery, says: { link: "the token of the link" } },
    answers: {
      303: { description: "to the approval", headers: { location: "the page", "set-cookie": "what is opened" } },
      ...seen(400, 401, 500),
    },
  },
};
