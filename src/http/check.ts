import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { CheckRequest, CheckResponse, DeniedHttpResponse, OkHttpResponse, Struct } from "../grpc/messages.js";
import { headersOf } from "./authenticate.js";
import { HttpProblem, sendProblem } from "./problem.js";

export interface CheckRouteDeps {
  /** The pipeline that Envoy asks too. `described`: the body describes the call instead of being it. */
  decide: (check: CheckRequest, context: { cancelled: () => boolean; described: true }) => Promise<CheckResponse>;
  /** A fresh id; it stands in place of Envoy's stream id. */
  id: () => string;
}

/** What a call is told that may go on. */
export interface Passed {
  decision: string | null;
  enforced: string | null;
  mode: string | null;
  reason: string | null;
  decision_id: string | null;
  policy_version: string | null;
  agent_id: string | null;
  tool: string | null;
  action: string | null;
  /** Changes that the policies ask for; only of a `sanitize`. Names of headers are lower case. */
  headers?: Changes;
  query?: Changes;
}

/** Names only: what policies set may be a credential of the tool's, which no agent is to see. */
export interface Changes {
  set: string[];
  remove: string[];
}

/**
 * `POST /v1/check`: the decision for a call that no Envoy sees. A pass is 200; a denial has the status that an agent
 * would get from Envoy, so that who looks at the status alone fails closed. In a scope of its own: bodies of every type
 * go to the pipeline unread, which refuses and records what it does not take.
 */
export function checkRoutes(app: FastifyInstance, { decide, id }: CheckRouteDeps): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, async (_request: unknown, body: Buffer) => body);
    // The framework refuses what is no media type by itself; what the client wrote stays in the raw headers.
    scope.addHook("preParsing", async ({ raw }) => {
      raw.headers["content-type"] = "application/octet-stream";
    });

    scope.post("/v1/check", async (request, reply) => {
      let gone = false;
      reply.raw.once("close", () => {
        gone = true;
      });
      const response = await decide(asEnvoyAsks(request, id()), { cancelled: () => gone, described: true });
      return answer(reply, response);
    });
  });
}

/** The request as Envoy passes it on with `encode_raw_headers` and `pack_as_bytes`: every header line, every byte. */
function asEnvoyAsks(request: FastifyRequest, id: string): CheckRequest {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const http = {
    id,
    method: request.method,
    scheme: "http",
    host: request.headers.host ?? "",
    path: request.raw.url ?? "",
    protocol: `HTTP/${request.raw.httpVersion}`,
    size: String(body.length),
    body: "",
    raw_body: body,
    headers: {},
    header_map: {
      headers: headersOf(request.raw.rawHeaders).map(({ name, value }) => ({
        key: name,
        value: "",
        raw_value: Buffer.from(value, "latin1"),
      })),
    },
    query: "",
    fragment: "",
  };
  return {
    attributes: {
      source: null,
      destination: null,
      request: { time: null, http },
      context_extensions: {},
      metadata_context: null,
      route_metadata_context: null,
      tls_session: null,
    },
  };
}

function answer(reply: FastifyReply, response: CheckResponse): FastifyReply | Passed {
  if ("ok_response" in response && response.status.code === 0) {
    for (const { header } of response.ok_response.response_headers_to_add ?? []) reply.header(header.key, header.value);
    return passed(response.ok_response, response.dynamic_metadata);
  }
  const denied = "denied_response" in response ? response.denied_response : { status: { code: 503 } };
  return deny(reply, denied);
}

function deny(reply: FastifyReply, { status, headers, body }: DeniedHttpResponse): FastifyReply {
  if (!body) return sendProblem(reply, new HttpProblem(503, "internal_error", "the authorizer failed"));
  // Envoy can be told to answer a denial with 200, for callers that look inside; here the status is the answer.
  reply.code(status.code >= 400 ? status.code : 403);
  for (const { header } of headers ?? []) reply.header(header.key, header.value);
  // As bytes, or fastify would add a charset, which this media type does not have.
  return reply.send(Buffer.from(body));
}

function passed(ok: OkHttpResponse, metadata: Struct | undefined): Passed {
  const text = (name: keyof Passed) => textOf(metadata, name);
  const enforced = text("enforced");
  return {
    decision: text("decision"),
    enforced,
    mode: text("mode"),
    reason: text("reason"),
    decision_id: text("decision_id"),
    policy_version: text("policy_version"),
    agent_id: text("agent_id"),
    tool: text("tool"),
    action: text("action"),
    ...(enforced === "sanitize" && changesOf(ok)),
  };
}

/** Without our own headers, which are for the tool behind Envoy. */
function changesOf(ok: OkHttpResponse): Required<Pick<Passed, "headers" | "query">> {
  const foreign = (name: string) => !name.startsWith("x-countersign-");
  const headers = (ok.headers ?? []).map(({ header }) => header.key);
  return {
    headers: {
      set: headers.filter(foreign),
      remove: (ok.headers_to_remove ?? []).filter(foreign),
    },
    query: {
      set: (ok.query_parameters_to_set ?? []).map(({ key }) => key),
      remove: [...(ok.query_parameters_to_remove ?? [])],
    },
  };
}

function textOf(struct: Struct | undefined, name: string): string | null {
  const value = struct && Object.hasOwn(struct.fields, name) ? struct.fields[name] : undefined;
  return value && "stringValue" in value ? value.stringValue : null;
}
