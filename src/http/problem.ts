import { STATUS_CODES } from "node:http";
import type { FastifyReply } from "fastify";

export const problemType = "application/problem+json";

/** Names of HTTP API errors by status; the same names as in error payloads to agents where the meaning is the same. */
const names = {
  400: "BadRequest",
  401: "Unauthenticated",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  409: "Conflict",
  410: "Gone",
  413: "ContentTooLarge",
  415: "UnsupportedMediaType",
  429: "RateLimited",
  500: "InternalError",
  503: "Unavailable",
} as const;

export type ProblemStatus = keyof typeof names;

/** A refusal of the HTTP API. `detail` may be shown to whoever asked. */
export class HttpProblem extends Error {
  constructor(
    readonly status: ProblemStatus,
    /** Machine-readable, more exact than the status. */
    readonly reason: string,
    detail: string,
    /** Further members (RFC 9457 section 3.2). */
    readonly members: Record<string, unknown> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
    this.name = "HttpProblem";
  }
}

/** The body of an error answer (RFC 9457). */
export function problemBody({ status, reason, message, members }: HttpProblem): Record<string, unknown> {
  const error = names[status];
  return {
    type: `urn:countersign:${error}`,
    title: STATUS_CODES[status],
    status,
    detail: message,
    error,
    reason,
    ...members,
  };
}

/** Answers with a problem. 401 names the scheme to use (RFC 9110 section 11.6.1). */
export function sendProblem(reply: FastifyReply, problem: HttpProblem): FastifyReply {
  if (problem.status === 401) reply.header("www-authenticate", 'Bearer realm="countersign"');
  // As bytes, or fastify would add a charset, which this media type does not have.
  return reply
    .headers(problem.headers)
    .code(problem.status)
    .type(problemType)
    .send(Buffer.from(JSON.stringify(problemBody(problem))));
}
