import type { Header, HttpRequest } from "../call.js";
import { Refusal } from "../refusal.js";
import { readFramedBody } from "./body.js";
import type { CheckRequest, HttpAttributes } from "./check_request.js";
import { readHeaders, singleValue } from "./headers.js";
import { peerOf } from "./peer.js";

export type { CheckRequest } from "./check_request.js";

const methodToken = /^[A-Z][A-Z-]{0,31}$/;
const originForm = /^\/[\x21-\x7e]*$/;

/**
 * Takes the HTTP request out of Envoy's question and checks that it has one reading. The body stays unparsed.
 * `maxBodyBytes` is at least 0 and should equal `max_request_bytes` of the Envoy filter. `trustPrincipal` is true where only
 * Envoy can ask (a Unix socket, mutual TLS), so that what it says of the client's certificate counts; else that is left out.
 * Throws a `Refusal`; what it names is missing, contradictory or not in the form that HTTP prescribes (RFC 9112).
 */
export function read(check: CheckRequest, limits: { maxBodyBytes: number; trustPrincipal?: boolean }): HttpRequest {
  const http = check.attributes?.request?.http;
  if (!http) throw new Refusal("malformed_request", "the authorization request holds no HTTP request");
  const id = required(http.id, "id");
  const method = readMethod(http);
  const authority = required(http.host, "authority");
  const target = readTarget(http);
  const scheme = readScheme(http);
  const { headers, pseudo, partialBody, override } = readHeaders(http);
  refuseContradiction(pseudo, { ":method": method, ":path": target, ":authority": authority, ":scheme": scheme });
  if (override) throw new Refusal("method_override", "a header asks for another method than the request has");
  if ((singleValue(headers, "host") ?? authority) !== authority) {
    throw new Refusal("malformed_host", "the host header differs from the authority");
  }
  const { body, announced } = readFramedBody(http, headers, partialBody, limits.maxBodyBytes);
  const peer = limits.trustPrincipal === true ? peerOf(check) : null;
  const request = { id, method, scheme, authority, target, headers, body, bodyAnnounced: announced };
  return peer ? { ...request, peer } : request;
}

function required(value: string | null | undefined, what: string): string {
  if (!value) throw new Refusal("malformed_request", `the request has no ${what}`);
  return value;
}

function readMethod(http: HttpAttributes): string {
  const method = required(http.method, "method");
  if (!methodToken.test(method)) throw new Refusal("malformed_request", "the method is not in upper-case letters");
  if (method === "CONNECT") throw new Refusal("malformed_request", "CONNECT hides what it carries");
  return method;
}

function readTarget(http: HttpAttributes): string {
  const target = required(http.path, "path");
  if (http.query || http.fragment) {
    throw new Refusal("malformed_request", "query or fragment stands apart from the path");
  }
  if (!originForm.test(target)) {
    throw new Refusal(
      "malformed_path",
      "the request target does not begin with / or holds bytes outside visible ASCII",
    );
  }
  if (target.includes("#")) throw new Refusal("malformed_path", "the request target has a fragment");
  return target;
}

function readScheme(http: HttpAttributes): "http" | "https" {
  const scheme = required(http.scheme, "scheme");
  if (scheme !== "http" && scheme !== "https") {
    throw new Refusal("malformed_request", "the scheme is neither http nor https");
  }
  return scheme;
}

function refuseContradiction(pseudo: readonly Header[], fields: Readonly<Record<string, string>>): void {
  for (const { name, value } of pseudo) {
    if (!Object.hasOwn(fields, name) || fields[name] !== value) {
      throw new Refusal("malformed_request", "a pseudo header contradicts the request");
    }
  }
}
