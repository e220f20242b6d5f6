import type { Json } from "../../src/call.js";
import { loadProtos } from "../../src/grpc/load_protos.js";
import type {
  CheckRequest,
  CheckResponse,
  DeniedHttpResponse,
  OkHttpResponse,
  Struct,
  Value,
} from "../../src/grpc/messages.js";

const protos = loadProtos();

/** One HTTP request as an agent sends it. */
export interface AgentRequest {
  /** Envoy's stream id. */
  id: string;
  method: string;
  scheme: string;
  host: string;
  /** Path and query, undecoded. */
  path: string;
  /** In order; a name may come twice. */
  headers: readonly (readonly [name: string, value: string])[];
  body: Uint8Array;
  /** Of the client's certificate. */
  principal?: string;
}

/** What Envoy asks about it, after a trip over the wire. */
export function asEnvoyAsks(request: AgentRequest): CheckRequest {
  return protos.decodeRequest(protos.encodeRequest(asEnvoySends(request)));
}

/** The message itself, with `encode_raw_headers` and `pack_as_bytes`. */
export function asEnvoySends({ id, method, scheme, host, path, headers, body, principal }: AgentRequest): object {
  const pseudo = { ":authority": host, ":path": path, ":method": method, ":scheme": scheme };
  const lines = [...Object.entries(pseudo), ...headers];
  const http = {
    id,
    method,
    scheme,
    host,
    path,
    protocol: "HTTP/1.1",
    size: String(body.length),
    raw_body: body,
    header_map: { headers: lines.map(([key, value]) => ({ key, raw_value: Buffer.from(value, "latin1") })) },
  };
  const source = principal === undefined ? {} : { source: { principal } };
  return { attributes: { ...source, request: { http } } };
}

/** An answer as Envoy reads it off the wire. */
export interface Told {
  /** What the agent gets: the denial's HTTP status, or 200 when the call goes on to the tool. */
  status: number;
  grpcStatus: number;
  /** Of a call that goes on. */
  ok: Required<OkHttpResponse> | null;
  /** Of a denial: its headers by name, and its body. */
  headers: Record<string, string>;
  body: string;
  metadata: Record<string, Json>;
}

/** Reads an answer as Envoy does: by its status alone. */
export function asEnvoyReads(response: CheckResponse): Told {
  const wire = protos.decodeResponse(protos.encodeResponse(response)) as {
    status: { code: number } | null;
    ok_response?: Required<OkHttpResponse>;
    denied_response?: DeniedHttpResponse;
    dynamic_metadata: Struct | null;
  };
  const grpcStatus = wire.status?.code ?? 0;
  const ok = grpcStatus === 0 ? (wire.ok_response ?? null) : null;
  const { status, headers = [], body = "" } = wire.denied_response ?? {};
  return {
    // Envoy takes a denial without a status for a 403.
    status: grpcStatus === 0 ? 200 : Number(statusCodes[String(status?.code)] ?? status?.code ?? 403),
    grpcStatus,
    ok,
    headers: Object.fromEntries(headers.map(({ header }) => [header.key, header.value])),
    body,
    metadata: fromStruct(wire.dynamic_metadata),
  };
}

/** What the tool receives: Envoy sets, then removes, and compares the names of query parameters undecoded. */
export function atTheTool(request: AgentRequest, ok: Required<OkHttpResponse>): Received {
  const headers = new Map<string, string[]>();
  for (const [name, value] of request.headers) {
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), value]);
  }
  for (const { header, append_action } of ok.headers) {
    if (append_action !== "OVERWRITE_IF_EXISTS_OR_ADD") throw new Error(`header ${header.key} is not overwritten`);
    headers.set(header.key, [header.value]);
  }
  for (const name of ok.headers_to_remove) headers.delete(name);

  const query = new Map<string, string>();
  for (const pair of request.path.split("?")[1]?.split("&") ?? []) {
    const [name = "", value = ""] = pair.split("=");
    query.set(name, value);
  }
  for (const { key, value } of ok.query_parameters_to_set) query.set(key, value);
  for (const name of ok.query_parameters_to_remove) query.delete(name);
  return { headers, query };
}

/** Headers by lower-case name, each with its lines, and query parameters by their raw spelling. */
export interface Received {
  headers: ReadonlyMap<string, string[]>;
  query: ReadonlyMap<string, string>;
}

/** `envoy.type.v3.StatusCode` is an enum, which is read by name. */
const statusCodes: Readonly<Record<string, number>> = {
  OK: 200,
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  PayloadTooLarge: 413,
  UnsupportedMediaType: 415,
  TooManyRequests: 429,
  ServiceUnavailable: 503,
};

function fromStruct(struct: Struct | null): Record<string, Json> {
  return Object.fromEntries(Object.entries(struct?.fields ?? {}).map(([name, value]) => [name, fromValue(value)]));
}

function fromValue(value: Value): Json {
  if ("stringValue" in value) return value.stringValue;
  if ("nullValue" in value) return null;
  throw new Error(`metadata of a kind nobody sends: ${JSON.stringify(value)}`);
}
