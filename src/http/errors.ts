import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ApprovalError } from "../approvals/error.js";
import { AuditUnavailable } from "../audit/record.js";
import { PageError } from "../page/error.js";
import { refusalOf } from "../reasons.js";
import { Refusal } from "../refusal.js";
import { StoreUnavailable } from "../store/store.js";
import { methodsAt } from "./access.js";
import { HttpProblem, type ProblemStatus, problemBody, problemType, sendProblem } from "./problem.js";

/** Where what must not be shown goes. A pino logger is one. */
export interface HttpLog {
  error(details: object, message: string): void;
}

/** The one place where errors of the HTTP API become answers. */
export function answerErrors(app: FastifyInstance, log: HttpLog): void {
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500) {
      log.error({ err: error, method: request.method, route: request.routeOptions.url }, problem.message);
    }
    return sendProblem(reply, problem);
  });
  app.setNotFoundHandler(unrouted);
}

/** For requests that Node or the router could not read far enough to make a request of them. */
export function unreadable(): HttpProblem {
  return new HttpProblem(400, "malformed_request", "the request is not well-formed HTTP");
}

/** The raw answer to bytes that are not HTTP; the connection is closed after it. */
export function unreadableResponse(): string {
  const body = JSON.stringify(problemBody(unreadable()));
  const head = ["HTTP/1.1 400 Bad Request", `content-type: ${problemType}`, "cache-control: no-store"];
  return [...head, `content-length: ${Buffer.byteLength(body)}`, "connection: close", "", body].join("\r\n");
}

function unrouted(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const methods = methodsAt(request.url);
  if (methods.length === 0) return sendProblem(reply, new HttpProblem(404, "not_found", "there is nothing here"));
  reply.header("allow", methods.join(", "));
  return sendProblem(reply, new HttpProblem(405, "method_not_allowed", "the method is not supported here"));
}

/** What is told of an error. */
export function problemOf(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof ApprovalError) return new HttpProblem(error.status, error.code, error.message);
  if (error instanceof PageError) return new HttpProblem(error.status, error.code, error.message);
  if (error instanceof Refusal) return ofRefusal(error);
  if (error instanceof StoreUnavailable) return new HttpProblem(503, "store_unavailable", "the store did not answer");
  if (error instanceof AuditUnavailable) {
    return new HttpProblem(503, "audit_unavailable", "the answer could not be recorded, so it does not count");
  }
  return ofFramework(error) ?? new HttpProblem(500, "internal_error", "internal error");
}

function ofRefusal({ reason, detail }: Refusal): HttpProblem {
  const { status } = refusalOf(reason);
  const known = status === 400 || status === 401 || status === 413 || status === 415 || status === 503;
  return known && reason !== "internal_error"
    ? new HttpProblem(status, reason, detail)
    : new HttpProblem(500, "internal_error", "internal error");
}

/** Errors of the framework that are the client's doing, by code; any other is ours. */
const frameworkErrors: Readonly<Record<string, readonly [ProblemStatus, string, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, "body_too_large", "the body is larger than 64 KiB"],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, "unsupported_content_type", "the body must be application/json"],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, "body_missing", "the body is empty"],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, "malformed_request", "the body does not have the announced length"],
};

function ofFramework(error: unknown): HttpProblem | null {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const row = Object.hasOwn(frameworkErrors, code) ? frameworkErrors[code] : undefined;
  return row ? new HttpProblem(...row) : null;
}
