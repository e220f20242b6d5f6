import type { Header } from "../call.js";

/**
 * The part of `envoy.service.auth.v3.CheckRequest` that this stage reads, field names as in the `.proto` file.
 * A decoder may leave an unset field out, or give it as `null`, `undefined` or its empty value; all mean "not set".
 */
export interface CheckRequest {
  attributes?:
    | {
        source?: PeerAttributes | null | undefined;
        request?: { http?: HttpAttributes | null | undefined } | null | undefined;
      }
    | null
    | undefined;
}

/** `AttributeContext.Peer`. */
export interface PeerAttributes {
  principal?: string | null | undefined;
  /** URL-encoded PEM (`include_peer_certificate: true`). */
  certificate?: string | null | undefined;
}

/** `AttributeContext.HttpRequest`. */
export interface HttpAttributes {
  /** Envoy's id of the stream. */
  id?: string | null | undefined;
  method?: string | null | undefined;
  /**
   * Header values, repeated ones joined with `,`, invalid UTF-8 rewritten (`encode_raw_headers: false`). A list has no name
   * twice.
   */
  headers?: Readonly<Record<string, string>> | readonly Header[] | null | undefined;
  /** Every header line by itself, as bytes (`encode_raw_headers: true`). */
  header_map?: HeaderMap | null | undefined;
  /** `:path`: the request target, query included. */
  path?: string | null | undefined;
  /** `:authority`. */
  host?: string | null | undefined;
  scheme?: string | null | undefined;
  /** Always empty in what Envoy sends: the query is part of `path`. */
  query?: string | null | undefined;
  /** Always empty in what Envoy sends. */
  fragment?: string | null | undefined;
  /** Body bytes that Envoy has received so far; -1 when unknown. */
  size?: string | number | null | undefined;
  protocol?: string | null | undefined;
  /** The body as text (`pack_as_bytes: false`). */
  body?: string | null | undefined;
  /** The body as bytes (`pack_as_bytes: true`). */
  raw_body?: Uint8Array | null | undefined;
}

/** Lines as Envoy writes them, or as a decoder read them: a character for each byte of a value. */
export interface HeaderMap {
  headers?: readonly RawHeader[] | null | undefined;
  lines?: readonly Header[] | undefined;
}

/** `envoy.config.core.v3.HeaderValue`: one of the two values is set. */
export interface RawHeader {
  key?: string | null | undefined;
  value?: string | null | undefined;
  raw_value?: Uint8Array | null | undefined;
}
