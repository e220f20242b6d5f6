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
  return `sha256:${sha256Hex(fingerprintText(subject))}`;
}

/**
 * The text that is hashed. Parameters are in it by way of path, query and the hash of the body. Its members are written in
 * the order of RFC 8785 as they stand here, well under half the work of sorting them anew for every call; texts that need care
 * there (lone surrogates, which have no canonical form) go to the complete writer.
 */
export function fingerprintText({ agent, session, call }: Fingerprinted): string {
  const { tool, action, environment, destination, http } = call;
  const { host, port, scheme } = destination;
  const text = `{"action":${said(action)},"agent":${said(agent)},"body_sha256":${said(http.body_sha256)},"content_type":${said(http.content_type)},"destination":{"host":${said(host)},"port":${port},"scheme":${said(scheme)}},"environment":${said(environment)},"method":${said(http.method)},"path":${said(http.path)},"query":${said(canonicalQuery(http.query))},"session":${said(session)},"tool":${said(tool)}}`;
  return text.includes("\\ud") ? canonicalText({ agent, session, call }) : text;
}

/** RFC 8785 writes texts as `JSON.stringify` does (section 3.2.2.2). */
function said(text: string | null): string {
  return JSON.stringify(text);
}

/** The same by the complete writer. Throws for what has no canonical form. */
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
