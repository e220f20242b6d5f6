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

/** The text that is hashed. Parameters are in it by way of path, query and the hash of the body. */
export function fingerprintText({ agent, session, call }: Fingerprinted): string {
  return canonicalJson({
    agent,
    session,
    tool: call.tool,
    action: call.action,
    environment: call.environment,
    destination: { host: call.destination.host, port: call.destination.port, scheme: call.destination.scheme },
    method: call.http.method,
    path: call.http.path,
    query: canonicalQuery(call.http.query),
    content_type: call.http.content_type,
    body_sha256: call.http.body_sha256,
  });
}
