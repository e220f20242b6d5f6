import type { Header } from "../call.js";

/**
 * The messages of `proto/` as this program handles them: names as on the wire, 64-bit numbers as decimal strings,
 * enums by name, bytes as `Buffer`. In a decoded message unset text is `""`, an unset message `null`, and of a oneof
 * only the member that was set exists, with a further member that names it.
 *
 * Maps are plain objects whose keys came from outside: read them with `Object.entries` or `Object.hasOwn`, never by index
 * alone, since every object has a `constructor`.
 */

/**
 * google.protobuf.Value. The loader has its own copy of the well-known types and names the members of this one in camel
 * case; the numbers on the wire are the same.
 */
export type Value =
  | { kind?: "nullValue"; nullValue: "NULL_VALUE" }
  | { kind?: "numberValue"; numberValue: number }
  | { kind?: "stringValue"; stringValue: string }
  | { kind?: "boolValue"; boolValue: boolean }
  | { kind?: "structValue"; structValue: Struct }
  | { kind?: "listValue"; listValue: { values: Value[] } };

/** google.protobuf.Struct: a JSON object. `toStruct` makes one. */
export interface Struct {
  fields: Record<string, Value>;
}

/** google.protobuf.Any */
export interface Any {
  type_url: string;
  value: Buffer;
}

export interface Metadata {
  /** By the name of the Envoy filter that left it. */
  filter_metadata: Record<string, Struct>;
  typed_filter_metadata: Record<string, Any>;
}

export interface SocketAddress {
  protocol: "TCP" | "UDP";
  address: string;
  port_specifier?: "port_value" | "named_port";
  port_value?: number;
  named_port?: string;
  resolver_name: string;
  ipv4_compat: boolean;
  network_namespace_filepath: string;
}

export interface Address {
  address?: "socket_address" | "pipe" | "envoy_internal_address";
  socket_address?: SocketAddress;
  pipe?: { path: string; mode: number };
  envoy_internal_address?: {
    address_name_specifier?: "server_listener_name";
    server_listener_name?: string;
    endpoint_id: string;
  };
}

export interface Peer {
  address: Address | null;
  service: string;
  labels: Record<string, string>;
  /** The first URI SAN of the peer's certificate, else its first DNS SAN, else its subject; `""` without mTLS. */
  principal: string;
  /** URL-encoded PEM; `""` unless the filter has `include_peer_certificate`. */
  certificate: string;
}

export interface HeaderValue {
  key: string;
  value: string;
  raw_value: Buffer;
}

/**
 * Every header line by itself: as it came, with its bytes in `raw_value`; or, from the decoder of what is plain, as `lines`
 * in the order of their names, lines of one name in the order in which they came, and a character for each byte of a value.
 */
export type HeaderMap =
  | { headers: readonly HeaderValue[]; lines?: undefined }
  | { lines: readonly Header[]; headers?: undefined };

export interface HttpRequest {
  /** Envoy's stream id. */
  id: string;
  method: string;
  /**
   * Lower-case names, repeated headers joined by commas; empty when the filter has `encode_raw_headers`. The decoder of what
   * is plain gives them as a list without a name twice: Envoy sends them in any order, and to be members of an object in
   * ever new orders is an object of a new shape each time.
   */
  headers: Record<string, string> | readonly Header[];
  /** `null` unless the filter has `encode_raw_headers`. */
  header_map: HeaderMap | null;
  /** Request target with its query, undecoded. */
  path: string;
  host: string;
  scheme: string;
  query: string;
  fragment: string;
  /** Decimal bytes of the body, `"-1"` when unknown. */
  size: string;
  /** `HTTP/1.0`, `HTTP/1.1`, `HTTP/2` or `HTTP/3`. */
  protocol: string;
  /** The body after UTF-8 repair; `""` when the filter has `pack_as_bytes`. */
  body: string;
  /** The body as received; empty unless the filter has `pack_as_bytes`. */
  raw_body: Buffer;
}

export interface AttributeContext {
  source: Peer | null;
  destination: Peer | null;
  request: {
    /** Seconds since the Unix epoch as decimal text, and nanoseconds. */
    time: { seconds: string; nanos: number } | null;
    http: HttpRequest | null;
  } | null;
  context_extensions: Record<string, string>;
  metadata_context: Metadata | null;
  route_metadata_context: Metadata | null;
  tls_session: { sni: string } | null;
}

/** envoy.service.auth.v3.CheckRequest, decoded. */
export interface CheckRequest {
  attributes: AttributeContext | null;
}

export type HeaderAppendAction =
  | "APPEND_IF_EXISTS_OR_ADD"
  | "ADD_IF_ABSENT"
  | "OVERWRITE_IF_EXISTS_OR_ADD"
  | "OVERWRITE_IF_EXISTS";

/** A change of one header. Envoy takes no `raw_value` here. */
export interface HeaderValueOption {
  header: { key: string; value: string };
  append_action: HeaderAppendAction;
  keep_empty_value?: boolean;
}

export interface OkHttpResponse {
  /** Changes of the request's headers. */
  headers?: HeaderValueOption[];
  /** Applied after `headers`, so a header named in both is gone. */
  headers_to_remove?: string[];
  response_headers_to_add?: HeaderValueOption[];
  query_parameters_to_set?: { key: string; value: string }[];
  /** Undecoded spellings. */
  query_parameters_to_remove?: string[];
}

export interface DeniedHttpResponse {
  /** HTTP status, 200 to 599. */
  status: { code: number };
  headers?: HeaderValueOption[];
  body?: string;
}

/** A gRPC status other than OK. */
export interface RefusalStatus {
  /** 1 to 16. */
  code: number;
  message?: string;
}

/**
 * envoy.service.auth.v3.CheckResponse, to be encoded. Envoy judges by `status` alone and takes an absent one for OK,
 * so every answer names it, and it has to agree with the kind of the answer.
 */
export type CheckResponse = { dynamic_metadata?: Struct } & (
  | { status: { code: 0 }; ok_response: OkHttpResponse }
  | { status: RefusalStatus; denied_response: DeniedHttpResponse }
  /** Unlike a denial, Envoy lets the request through on this one when it has `failure_mode_allow`. */
  | { status: RefusalStatus; error_response: DeniedHttpResponse }
);
