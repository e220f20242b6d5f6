import type { Call, HttpRequest } from "../call.js";
import { canonicalJson, sha256Hex } from "../canonical.js";
import { readAuthority } from "../host/authority.js";
import { matchHost } from "../host/pattern.js";
import { Refusal } from "../refusal.js";
import { readJsonBody } from "./body.js";
import type { Catalogue } from "./catalogue.js";
import { statedEnvironment } from "./compile_tool.js";
import { refuseUnseen } from "./described_reach.js";
import { describedTool } from "./described_tool.js";
import { type Description, readDescription } from "./description.js";
import { readFields, readName } from "./fields.js";
import { besideParams, readParams } from "./params.js";
import { stand } from "./stated.js";
import type { Offered, Template } from "./template.js";
import type { Tool } from "./tool.js";

/** Where descriptions of calls are sent. */
export const checkPath = "/v1/check";

/**
 * In place of the method. No request has it, since methods are in upper case here: so no described call has the fingerprint of
 * a request, and an approval for one does not serve for the other.
 */
const describedMethod = "check";

/**
 * Says what a described call means, by the catalogue. The description stands for a request whose body is `params` and
 * which has no query, and the catalogue has as much to say about it as about a request; only the tool is found by its name.
 * Throws a `Refusal` as `decode` does. There is no `unmatched: "passthrough"` here: a tool that is not in the catalogue is
 * refused.
 */
export function describe(request: HttpRequest, catalogue: Catalogue): Call {
  refuseQuery(request.target);
  const description = readDescription(readJsonBody(request));
  const tool = describedTool(catalogue.tools, description);
  const { offered, action, environment } = readStated(tool, description);
  refuseUnseen(tool, description, offered);
  const params = readParams(tool, offered);
  const destination = readDestination(description.destination, tool);
  const { images, service, image_tag, deployment_id, amount } = readFields(tool, offered, params);
  const meant = { tool: tool.name, action, environment, params: description.params, destination };
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
    fromQuery: [],
    body: besideParams(tool, offered),
    destination,
    http: {
      method: describedMethod,
      path: checkPath,
      query: [],
      headers: request.headers,
      content_type: "application/json",
      // Of one spelling for all bodies that say the same, so that an approval holds for all of them and for no other call.
      body_sha256: sha256Hex(canonicalJson(meant)),
    },
    costMicro: tool.costMicro,
    classification: tool.classification,
  };
}

function refuseQuery(target: string): void {
  if (target.includes("?")) throw new Refusal("malformed_query", "a described call has no query");
  if (target !== checkPath) throw new Refusal("malformed_path", `the path is not spelled ${checkPath}`);
}

/** Action and environment, and what the description offers to placeholders with both in their places. */
function readStated(
  tool: Tool,
  { action: wanted, environment: other, params }: Description,
): { offered: Offered; action: string; environment: string | null } {
  const bare: Offered = { path: {}, query: {}, body: params };
  const acting = stand(bare, tool.action, wanted, "action");
  const offered = other === undefined ? acting : standEnvironment(acting, tool.environment, other);
  const action = agreed(readName(tool.action, offered, "missing_action"), wanted, "action");
  if (!tool.environment || (tool.environment === statedEnvironment && other === undefined)) {
    return { offered, action, environment: null };
  }
  const environment = readName(tool.environment, offered, "missing_environment");
  return { offered, action, environment: agreed(environment, other ?? environment, "environment") };
}

function standEnvironment(offered: Offered, template: Template | null, stated: string): Offered {
  if (template) return stand(offered, template, stated, "environment");
  throw new Refusal("malformed_parameter", "the catalogue gives the tool no environment");
}

/** What the catalogue puts together from parts of the call must be what the call states. */
function agreed(found: string, stated: string, what: string): string {
  if (found === stated) return found;
  throw new Refusal("ambiguous_parameter", `the ${what} is not the one that the parameters say`);
}

/**
 * Without one the call goes nowhere that a policy could permit by `egress`. Where the catalogue pins the tool to hosts, as
 * it does to tell environments apart, it is one of those.
 */
function readDestination(text: string | undefined, { protocol, hosts }: Tool): Call["destination"] {
  if (text === undefined) return { host: "", port: 0, scheme: "https" };
  const authority = readAuthority(text, "https");
  if (protocol !== "check" && !hosts.some((pattern) => matchHost(pattern, authority))) {
    throw new Refusal("malformed_parameter", "the destination is no host of the tool");
  }
  return { host: authority.host, port: authority.port, scheme: "https" };
}
