import type { Call } from "../call.js";
import { canonicalJson, sha256Hex } from "../canonical.js";
import { canonicalQuery } from "./query.js";

/** What one approval is about: exactly this call, by this agent, in this session. */
export interface Fingerprinted {
  agent: string;
  /** `null` when the agent has no session. */
  session: string | null;
  call: Call;
}

/** `sha256:<hex>` over the RFC 8785 form of the call. Two calls that differ for the tool differ here. */
export function fingerprint(subject: Fingerprinted): string {
  return `sha256:${sha256Hex(fingerprintBytes(subject) ?? canonicalText(subject))}`;
}

/** Longest text that is written here, in bytes. Most are a fifth of it. */
const most = 2_048;
const [quotationMark, backslash] = [0x22, 0x5c];
/** Where every text is written: it is hashed before there is another one. */
const bytes = new Uint8Array(most);
/** The first so many bytes of that, made once for each length. */
const views: (Uint8Array | undefined)[] = new Array(most + 1).fill(undefined);

/**
 * What is hashed. Parameters are in it by way of path, query and the hash of the body. Its members are written in the order of
 * RFC 8785 as they stand here, as bytes and not as a text that would be put together from thirty pieces and be made flat: a
 * twentieth of the memory. `null` for a long one, and where a member is not plain ASCII without anything to escape; those go
 * to the complete writer. What is returned holds until the next call of this function.
 */
export function fingerprintBytes({ agent, session, call }: Fingerprinted): Uint8Array | null {
  const { tool, action, environment, destination, http } = call;
  let at = said(0, '{"action":', action);
  at = said(at, ',"agent":', agent);
  at = said(at, ',"body_sha256":', http.body_sha256);
  at = said(at, ',"content_type":', http.content_type);
  at = said(at, ',"destination":{"host":', destination.host);
  at = put(put(at, ',"port":'), String(destination.port));
  at = said(at, ',"scheme":', destination.scheme);
  at = said(at, '},"environment":', environment);
  at = said(at, ',"method":', http.method);
  at = said(at, ',"path":', http.path);
  at = said(at, ',"query":', canonicalQuery(http.query));
  at = said(at, ',"session":', session);
  at = put(said(at, ',"tool":', tool), "}");
  if (at < 0) return null;
  views[at] ??= bytes.subarray(0, at);
  return views[at] as Uint8Array;
}

/** Writes a member. Returns where the next one goes, -1 when the text cannot be written here. */
function said(at: number, name: string, text: string | null): number {
  const start = put(at, name);
  if (text === null) return put(start, "null");
  const end = start + 1 + text.length;
  if (start < 0 || end >= most) return -1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e || code === quotationMark || code === backslash) return -1;
    bytes[start + 1 + i] = code;
  }
  bytes[start] = quotationMark;
  bytes[end] = quotationMark;
  return end + 1;
}

function put(at: number, text: string): number {
  if (at < 0 || at + text.length > most) return -1;
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** The text by the complete writer. Throws for what has no canonical form. */
export function canonicalText({ agent, session, call }: Fingerprinted): string {
  const { tool, action, environment, destination, http } = call;
  const { host, port, scheme } = destination;
  return canonicalJson({
    agent,
    session,
    tool,
    action,
    environment,
    destination: { host, port, scheme },
    method: http.method,
    path: http.path,
    query: canonicalQuery(http.query),
    content_type: http.content_type,
    body_sha256: http.body_sha256,
  });
}
