import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { asOAuthError, OAuthError, oauthErrorBody } from "../oauth/error.js";
import { type Form, readForm } from "../oauth/form.js";
import type { OAuthService } from "../oauth/service.js";
import { headersOf } from "./authenticate.js";
import type { HttpLog } from "./errors.js";

const formType = "application/x-www-form-urlencoded";
/** RFC 6749 appendix B names UTF-8; another charset would be another reading of the same bytes. */
const formHeader = /^application\/x-www-form-urlencoded[ \t]*(;[ \t]*charset=("?)utf-8\2[ \t]*)?$/i;
const bodyLimit = 32_768;
/** Headers of which readers could choose another than we do. */
const single: readonly string[] = ["content-type", "content-encoding"];
/** How long clients may keep keys and configuration. */
const publicCache = "public, max-age=300";

/** A pino logger is one. */
export interface OAuthLog extends HttpLog {
  warn(details: object, message: string): void;
}

/**
 * `/oauth2/token`, `/oauth2/revoke` and what is published of the issuer. In a scope of their own: forms are read here
 * only, JSON is not, and errors have the form of RFC 6749.
 */
export function oauthRoutes(app: FastifyInstance, service: OAuthService, log: OAuthLog): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(formType, { parseAs: "buffer" }, async (request: FastifyRequest, body: Buffer) => {
      checkFraming(request);
      return readForm(body);
    });
    scope.setErrorHandler((error, request, reply) => answer(error, request, reply, log));

    scope.post("/oauth2/token", { bodyLimit }, async (request, reply) => {
      const issued = await service.token(formOf(request), authorizationOf(request));
      return sendJson(reply.header("pragma", "no-cache"), issued);
    });

    scope.post("/oauth2/revoke", { bodyLimit }, async (request, reply) => {
      await service.revoke(formOf(request), authorizationOf(request));
      return reply.send();
    });

    scope.get("/.well-known/jwks.json", async (_request, reply) => {
      return sendJson(reply.header("cache-control", publicCache), service.jwks(), "application/jwk-set+json");
    });

    scope.get("/.well-known/openid-configuration", async (_request, reply) => {
      return sendJson(reply.header("cache-control", publicCache), service.configuration());
    });
  });
}

/** As bytes, or fastify would add a charset, which these media types do not have. */
function sendJson(reply: FastifyReply, value: object, type = "application/json"): FastifyReply {
  return reply.type(type).send(Buffer.from(JSON.stringify(value)));
}

/** Queries end up in logs, so nothing is taken from one (RFC 6749 section 2.3.1). */
function formOf(request: FastifyRequest): Form {
  if (request.url.includes("?")) {
    throw new OAuthError("invalid_request", "send parameters in the body; a query ends up in logs");
  }
  if (!(request.body instanceof Map)) {
    throw new OAuthError("invalid_request", `the parameters are missing: send them as ${formType}`);
  }
  return request.body as Form;
}

/** Node would show the first of two headers and say nothing of the second. */
function authorizationOf(request: FastifyRequest): string | undefined {
  const [only, ...others] = headersOf(request.raw.rawHeaders).filter(({ name }) => name === "authorization");
  if (others.length > 0) throw new OAuthError("invalid_request", "there is more than one authorization header");
  return only?.value;
}

function checkFraming({ headers, raw }: FastifyRequest): void {
  const names = headersOf(raw.rawHeaders).map(({ name }) => name);
  const twice = single.find((name) => names.indexOf(name) !== names.lastIndexOf(name));
  if (twice !== undefined) throw new OAuthError("invalid_request", `there is more than one ${twice} header`);
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw new OAuthError("invalid_request", "the body is compressed; send it as it is", { status: 415 });
  }
  if (!formHeader.test(headers["content-type"] ?? "")) throw wrongType();
}

function wrongType(): OAuthError {
  return new OAuthError("invalid_request", `the body must be ${formType} in UTF-8`, { status: 415 });
}

/** Unknown errors go on to the handler of the whole API, which tells nothing of them. */
function answer(error: unknown, request: FastifyRequest, reply: FastifyReply, log: OAuthLog): FastifyReply {
  const known = asOAuthError(error) ?? ofFramework(error);
  if (!known) throw error;
  if (known.status >= 500) {
    const err = known.cause ?? known;
    log.error({ err, method: request.method, route: request.routeOptions.url }, known.message);
  }
  if (known.retryAfterSeconds !== undefined) reply.header("retry-after", String(known.retryAfterSeconds));
  if (known.code === "invalid_client") {
    // Not an audit record: anybody could fill the trail with failures.
    log.warn({ from: request.ip, route: request.routeOptions.url }, known.message);
    reply.header("www-authenticate", 'Basic realm="countersign", charset="UTF-8"');
  }
  return sendJson(reply.code(known.status), oauthErrorBody(known));
}

function ofFramework(error: unknown): OAuthError | null {
  switch (error instanceof Error && "code" in error ? error.code : undefined) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new OAuthError("invalid_request", "the body is larger than 32 KiB", { status: 413 });
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return wrongType();
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
      return new OAuthError("invalid_request", "the body does not have the announced length");
    default:
      return null;
  }
}
