import type { Header } from "../call.js";
import type {
  Address,
  AttributeContext,
  CheckRequest,
  HttpRequest,
  Metadata,
  Peer,
  SocketAddress,
} from "./messages.js";
import { notPlain, once, PlainReader } from "./wire.js";

/**
 * The CheckRequest in the form in which Envoy writes it, as the decoder made from the descriptors gives it; `null` for bytes
 * of which that is not certain (a field that is unknown or comes twice, another wire type, an unusual number, a broken
 * length) or that hold what is rare (metadata, an address of another kind), so that one decoder alone says what those are and whether they are an error. Twice as fast as that one, which
 * builds generic objects first.
 */
export function decodePlainRequest(bytes: Buffer): CheckRequest | null {
  try {
    const reader = new PlainReader(bytes);
    let attributes: AttributeContext | null = null;
    while (reader.pos < bytes.length) {
      // CheckRequest.attributes
      if (reader.tag() !== 0x0a || attributes !== null) return null;
      attributes = readAttributes(reader, reader.end(bytes.length));
    }
    return { attributes };
  } catch (error) {
    if (error === notPlain) return null;
    throw error;
  }
}

// The cases below are tags as they stand on the wire: field number * 8 + wire type, the fields in the order of the `.proto`.

function readAttributes(reader: PlainReader, end: number): AttributeContext {
  const attributes: AttributeContext = {
    context_extensions: {},
    source: null,
    destination: null,
    request: null,
    metadata_context: null,
    tls_session: null,
    route_metadata_context: null,
  };
  let seen = 0;
  while (reader.pos < end) {
    const tag = reader.tag();
    if (tag !== 0x52) seen = once(seen, tag);
    switch (tag) {
      case 0x0a:
        attributes.source = readPeer(reader, reader.end(end));
        break;
      case 0x12:
        attributes.destination = readPeer(reader, reader.end(end));
        break;
      case 0x22:
        attributes.request = readRequest(reader, reader.end(end));
        break;
      case 0x52:
        readEntry(reader, reader.end(end), attributes.context_extensions);
        break;
      case 0x5a:
        attributes.metadata_context = readMetadata(reader, end);
        break;
      case 0x62:
        attributes.tls_session = { sni: readOnly(reader, reader.end(end)) };
        break;
      case 0x6a:
        attributes.route_metadata_context = readMetadata(reader, end);
        break;
      default:
        throw notPlain;
    }
  }
  return ended(reader, end, attributes);
}

function readPeer(reader: PlainReader, end: number): Peer {
  const peer: Peer = { labels: {}, address: null, service: "", principal: "", certificate: "" };
  let seen = 0;
  while (reader.pos < end) {
    const tag = reader.tag();
    if (tag !== 0x1a) seen = once(seen, tag);
    switch (tag) {
      case 0x0a:
        peer.address = readAddress(reader, reader.end(end));
        break;
      case 0x12:
        peer.service = reader.string(end);
        break;
      case 0x1a:
        readEntry(reader, reader.end(end), peer.labels);
        break;
      case 0x22:
        peer.principal = reader.string(end);
        break;
      case 0x2a:
        peer.certificate = reader.string(end);
        break;
      default:
        throw notPlain;
    }
  }
  return ended(reader, end, peer);
}

/** Connections have the addresses of sockets, as a rule. */
function readAddress(reader: PlainReader, end: number): Address {
  if (reader.tag() !== 0x0a || reader.end(end) !== end) throw notPlain;
  return { socket_address: readSocket(reader, end), address: "socket_address" };
}

function readSocket(reader: PlainReader, end: number): SocketAddress {
  let address = "";
  let port = -1;
  let seen = 0;
  while (reader.pos < end) {
    const tag = reader.tag();
    seen = once(seen, tag);
    if (tag === 0x12) address = reader.string(end);
    else if (tag === 0x18) port = reader.uint();
    else throw notPlain;
  }
  return ended(reader, end, port < 0 ? { ...noSocket, address } : socketOf(address, port));
}

const noSocket = {
  protocol: "TCP",
  address: "",
  resolver_name: "",
  ipv4_compat: false,
  network_namespace_filepath: "",
} as const;

/** Born with all its members: adding two takes as much memory again. */
function socketOf(address: string, port_value: number): SocketAddress {
  return {
    protocol: "TCP",
    address,
    resolver_name: "",
    ipv4_compat: false,
    network_namespace_filepath: "",
    port_value,
    port_specifier: "port_value",
  };
}

function readRequest(reader: PlainReader, end: number): AttributeContext["request"] {
  let time: { seconds: string; nanos: number } | null = null;
  let http: HttpRequest | null = null;
  let seen = 0;
  while (reader.pos < end) {
    const tag = reader.tag();
    seen = once(seen, tag);
    if (tag === 0x0a) time = readTime(reader, reader.end(end));
    else if (tag === 0x12) http = readHttp(reader, reader.end(end));
    else throw notPlain;
  }
  return ended(reader, end, { time, http });
}

function readTime(reader: PlainReader, end: number): { seconds: string; nanos: number } {
  const time = { seconds: "0", nanos: 0 };
  let seen = 0;
  while (reader.pos < end) {
    const tag = reader.tag();
    seen = once(seen, tag);
    const value = reader.int64();
    if (tag === 0x08) time.seconds = String(value);
    else if (tag === 0x10 && value < 2 ** 31) time.nanos = value;
    else throw notPlain;
  }
  return ended(reader, end, time);
}

function readHttp(reader: PlainReader, end: number): HttpRequest {
  const headers: Header[] = [];
  const http: HttpRequest = {
    headers,
    id: "",
    method: "",
    path: "",
    host: "",
    scheme: "",
    query: "",
    fragment: "",
    size: "0",
    protocol: "",
    body: "",
    raw_body: nothing,
    header_map: null,
  };
  let seen = 0;
  while (reader.pos < end) {
    const tag = reader.tag();
    if (tag !== 0x1a) seen = once(seen, tag);
    switch (tag) {
      case 0x0a:
        http.id = reader.string(end);
        break;
      case 0x12:
        http.method = reader.name(end);
        break;
      case 0x1a:
        headers.push(onlyOne(reader.header(reader.end(end)), headers));
        break;
      case 0x22:
        http.path = reader.string(end);
        break;
      case 0x2a:
        http.host = reader.name(end);
        break;
      case 0x32:
        http.scheme = reader.name(end);
        break;
      case 0x3a:
        http.query = reader.string(end);
        break;
      case 0x42:
        http.fragment = reader.string(end);
        break;
      case 0x48:
        http.size = String(reader.int64());
        break;
      case 0x52:
        http.protocol = reader.name(end);
        break;
      case 0x5a:
        http.body = reader.string(end);
        break;
      case 0x62:
        http.raw_body = reader.bytes(end);
        break;
      case 0x6a:
        http.header_map = { lines: readLines(reader, reader.end(end)) };
        break;
      default:
        throw notPlain;
    }
  }
  sortByName(headers);
  return ended(reader, end, http);
}

const nothing = Buffer.alloc(0);

const mostHeaders = 100;

/** Of a name that comes twice the later value would count in the earlier one's place, and numbers would come first. */
function onlyOne(header: Header, before: readonly Header[]): Header {
  const { name } = header;
  const first = name.charCodeAt(0);
  const digit = first >= 0x30 && first <= 0x39;
  if (digit || name === "__proto__" || before.length === mostHeaders) throw notPlain;
  for (const other of before) if (other.name === name) throw notPlain;
  return header;
}

/**
 * The entries of a map have no order, and Envoy sends them in another one each time. In one order they become objects of one
 * shape, wherever they become members of one, at a fraction of the cost of many shapes.
 */
function sortByName(headers: Header[]): void {
  for (let i = 1; i < headers.length; i++) {
    const header = headers[i] as Header;
    let at = i;
    for (; at > 0 && (headers[at - 1] as Header).name > header.name; at--) headers[at] = headers[at - 1] as Header;
    headers[at] = header;
  }
}

function readLines(reader: PlainReader, end: number): Header[] {
  const lines: Header[] = [];
  while (reader.pos < end) {
    if (reader.tag() !== 0x0a || lines.length === mostHeaders) throw notPlain;
    lines.push(reader.line(reader.end(end)));
  }
  sortByName(lines);
  return ended(reader, end, lines);
}

/** One entry of a map of strings, key first. */
function readEntry(reader: PlainReader, end: number, into: Record<string, string>): void {
  if (reader.tag() !== 0x0a) throw notPlain;
  const key = reader.name(end);
  // Not a member by assignment.
  if (key === "__proto__" || reader.tag() !== 0x12) throw notPlain;
  into[key] = reader.string(end);
  ended(reader, end, into);
}

/**
 * Envoy sends it empty unless it was told of filters to take it from. Values in values may be as deep as the complete decoder
 * permits, counted from the whole message.
 */
function readMetadata(reader: PlainReader, within: number): Metadata {
  if (reader.end(within) !== reader.pos) throw notPlain;
  return { filter_metadata: {}, typed_filter_metadata: {} };
}

/** The one text of a message that has no other field. */
function readOnly(reader: PlainReader, end: number): string {
  if (reader.pos === end) return "";
  if (reader.tag() !== 0x0a) throw notPlain;
  return ended(reader, end, reader.string(end));
}

/** Nothing may have been read from beyond the message. */
function ended<T>(reader: PlainReader, end: number, message: T): T {
  if (reader.pos !== end) throw notPlain;
  return message;
}
