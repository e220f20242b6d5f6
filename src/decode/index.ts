import type { Call, HttpRequest } from "../call.js";
import { sha256Hex } from "../canonical.js";
import { readAuthority } from "../host/authority.js";
import { Refusal } from "../refusal.js";
import { headerValue, isUpgrade, readBody, refuseMissing } from "./body.js";
import type { Catalogue } from "./catalogue.js";
import { readFields, readName } from "./fields.js";
import { type Match, matchTool } from "./match.js";
import { besideParams, paramsFromQuery, readParams } from "./params.js";
import { readPath } from "./path.js";
import { asObject, readPairs } from "./query.js";
import { nothing } from "./template.js";

export { type Catalogue, loadCatalogue } from "./catalogue.js";
export { describe } from "./described.js";
export { fingerprint } from "./fingerprint.js";

/** What of a call is known without the catalogue. */
type Envelope = Pick<Call, "destination" | "http">;

/**
 * Says what a request means, by the catalogue. The catalogue decides on everything that the agent's words are taken for;
 * what has two readings is a `Refusal`. `unmatched: "passthrough"` lets a request that no entry matches on as a call
 * without tool, action and parameters; its body is hashed and not read.
 */
export function decode(
  request: HttpRequest,
  catalogue: Catalogue,
  options: { unmatched: "deny" | "passthrough" },
): Call {
  const authority = readAuthority(request.authority, request.scheme);
  const target = splitTarget(request.target);
  const path = readPath(target.path);
  const query = readPairs(target.query, "malformed_query");
  const envelope: Envelope = {
    destination: { host: authority.host, port: authority.port, scheme: request.scheme },
    http: {
      method: request.method,
      path: path.text,
      query,
      headers: request.headers,
      content_type: headerValue(request.headers, "content-type") ?? "",
      body_sha256: sha256Hex(request.body),
    },
  };
  const match = matchTool(catalogue, authority, request.method, path.segments);
  if (!match && options.unmatched === "deny") throw new Refusal("unknown_tool", "no tool matches the call");
  if (match?.tool.takesBody !== false && isUpgrade(request.headers)) {
    throw new Refusal("upgrade_refused", "what follows a protocol upgrade cannot be inspected");
  }
  return match ? matched(request, envelope, match) : unmatched(request, envelope);
}

function matched(request: HttpRequest, envelope: Envelope, { tool, variables }: Match): Call {
  const { destination, http } = envelope;
  const body = readBody(request, tool.takesBody, http.content_type) ?? nothing;
  const offered = { path: variables, query: asObject(http.query), body };
  const params = readParams(tool, offered);
  const action = readName(tool.action, offered, "missing_action");
  const environment = tool.environment ? readName(tool.environment, offered, "missing_environment") : null;
  const { images, service, image_tag, deployment_id, amount } = readFields(tool, offered, params);
  // One by one, as in the other places where a call is made: objects of one shape, which spreads do not give.
  return {
    tool: tool.name,
    action,
    environment,
    service,
    image_tag,
    deployment_id,
    amount,
    images,
    params,
    fromQuery: paramsFromQuery(tool, offered),
    body: besideParams(tool, offered),
    destination,
    http,
    costMicro: tool.costMicro,
    classification: tool.classification,
  };
}

function unmatched(request: HttpRequest, { destination, http }: Envelope): Call {
  refuseMissing(request, true);
  return {
    tool: null,
    action: null,
    environment: null,
    service: null,
    image_tag: null,
    deployment_id: null,
    amount: null,
    images: [],
    params: {},
    fromQuery: [],
    body: request.body.length === 0 ? nothing : null,
    destination,
    http,
    costMicro: 0,
    classification: [],
  };
}

function splitTarget(target: string): { path: string; query: string } {
  const mark = target.indexOf("?");
  return mark < 0 ? { path: target, query: "" } : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}
