import type { Header, QueryParameter } from "../call.js";
import type { CheckResponse, HeaderValueOption, OkHttpResponse, Struct } from "../grpc/messages.js";
import { textValue as text } from "../grpc/struct.js";
import type { Answer, Limit, LimitStanding } from "../outcome.js";
import { type Reason, type RefusalReason, refusalOf } from "../reasons.js";
import { letsThrough, type Mode, type Sanitize } from "../verdict.js";
import { nextStep } from "./next.js";
import { pollAfterSeconds, problem } from "./problem.js";

export interface RespondParts {
  decisionId: string;
  computed: Pick<Answer, "verdict" | "reason">;
  enforced: Answer;
  mode: Mode;
  policyVersion: string | null;
  /** As far as they are known: a call can be refused before anything is. */
  agentId: string | null;
  tool: string | null;
  action: string | null;
  headers: readonly Header[];
  query: readonly QueryParameter[];
  /** Header with the agent's credential, to be kept from the tool; `null` = leave it. */
  credentialHeader: string | null;
  statusUrl: (approvalId: string) => string;
}

const grpcOk = 0;
const grpcPermissionDenied = 7;
const grpcUnauthenticated = 16;

/** Stage respond: the verdict as Envoy understands it (CheckResponse of ext_authz v3). */
export function respond(parts: RespondParts): CheckResponse {
  const dynamic_metadata: Struct = {
    fields: {
      decision: text(parts.computed.verdict),
      enforced: text(parts.enforced.verdict),
      mode: text(parts.mode),
      reason: text(parts.computed.reason),
      decision_id: text(parts.decisionId),
      agent_id: text(parts.agentId),
      tool: text(parts.tool),
      action: text(parts.action),
      policy_version: text(parts.policyVersion),
    },
  };
  if (letsThrough(parts.enforced.verdict)) {
    return { status: { code: grpcOk }, ok_response: passed(parts), dynamic_metadata };
  }
  const { denied, code } = denial(parts);
  return { status: { code, message: parts.enforced.reason }, denied_response: denied, dynamic_metadata };
}

/** The answer when not even a decision could be told. */
export const bareDenial: CheckResponse = {
  status: { code: grpcPermissionDenied, message: "internal_error" },
  denied_response: { status: { code: 503 } },
};

function passed(parts: RespondParts): OkHttpResponse {
  const { sanitize, standings } = parts.enforced;
  if (sanitize.length > 0) return changed(parts, sanitize);
  // Most calls: without the sets and maps that changes need, in a third of the memory.
  return {
    headers: ownHeaders(parts),
    headers_to_remove: hidden(parts),
    response_headers_to_add: standingHeaders(standings),
    query_parameters_to_set: [],
    query_parameters_to_remove: [],
  };
}

function changed(parts: RespondParts, sanitize: readonly Sanitize[]): OkHttpResponse {
  const { query, credentialHeader } = parts;
  const { set: setHeaders, removed: removeHeaders } = together(sanitize, "headers");
  const { set: setQuery, removed: removedQuery } = together(sanitize, "query");
  const own = Object.fromEntries(ownHeaders(parts).map(({ header }) => [header.key, header.value]));
  // A policy that sets the credential's header has overwritten it: the tool gets the policy's, not the agent's.
  const credential =
    credentialHeader !== null && !Object.hasOwn(setHeaders, credentialHeader) ? credentialHeader : null;

  // Envoy compares names undecoded, so each spelling that decodes to a removed or replaced name goes.
  const spellings = query.filter(
    ({ raw, name }) => removedQuery.has(name) || (Object.hasOwn(setQuery, name) && raw !== name),
  );
  return {
    headers: Object.entries({ ...setHeaders, ...own }).map(([key, value]) => overwrite(key, value)),
    headers_to_remove: hiddenToo(removeHeaders, parts.headers, credential),
    response_headers_to_add: standingHeaders(parts.enforced.standings),
    query_parameters_to_set: Object.entries(setQuery).map(([key, value]) => ({ key, value })),
    query_parameters_to_remove: [...new Set(spellings.map(({ raw }) => raw))],
  };
}

/** What of the call's own headers the tool does not see. */
function hidden({ headers, credentialHeader }: RespondParts): string[] {
  for (const { name } of headers) if (isForged(name)) return hiddenToo(new Set(), headers, credentialHeader);
  return credentialHeader === null || credentialHeader === overrideHeader
    ? [overrideHeader]
    : [credentialHeader, overrideHeader];
}

function hiddenToo(removed: Set<string>, headers: readonly Header[], credentialHeader: string | null): string[] {
  for (const { name } of headers) if (isForged(name)) removed.add(name);
  if (credentialHeader !== null) removed.add(credentialHeader);
  removed.add(overrideHeader);
  return [...removed];
}

/** Envoy applies removals after sets, so our own headers are never removed: they are set anew. */
function isForged(name: string): boolean {
  return name.startsWith("x-countersign-") && !ownNames.has(name);
}

const overrideHeader = "x-countersign-override";
const verdictOption = remembering("x-countersign-decision");
const idName = "x-countersign-decision-id";
const versionOption = remembering("x-countersign-policy-version");
const ownNames: ReadonlySet<string> = new Set([
  "x-countersign-decision",
  "x-countersign-decision-id",
  "x-countersign-policy-version",
]);

function ownHeaders({ enforced, decisionId, policyVersion }: RespondParts): HeaderValueOption[] {
  return [verdictOption(enforced.verdict), overwrite(idName, decisionId), versionOption(policyVersion ?? "none")];
}

/** The option of one header, the very one as before while its value stays the same. */
function remembering(key: string): (value: string) => HeaderValueOption {
  let last = overwrite(key, "");
  return (value) => {
    if (last.header.value !== value) last = overwrite(key, value);
    return last;
  };
}

/**
 * All changes of one part of the call as one. What one of the agent's own policies removes no other of them sets; what
 * guardrails set or remove stands over both.
 */
function together(
  changes: readonly Sanitize[],
  part: "headers" | "query",
): { set: Record<string, string>; removed: Set<string> } {
  const removed = new Set<string>();
  const set = new Map<string, string>();
  for (const own of [true, false]) {
    const layer = changes.filter((change) => change.own === own).map((change) => change[part]);
    for (const [name, value] of layer.flatMap((change) => Object.entries(change.set))) {
      set.set(name, value);
      removed.delete(name);
    }
    for (const name of layer.flatMap((change) => change.remove)) {
      removed.add(name);
      set.delete(name);
    }
  }
  return { set: Object.fromEntries(set), removed };
}

function denial(parts: RespondParts): {
  denied: { status: { code: number }; headers: HeaderValueOption[]; body: string };
  code: number;
} {
  const { enforced } = parts;
  const { error, status } = refusalOf(enforced.reason as RefusalReason);
  const body = problem({
    status,
    detail: enforced.detail,
    error,
    decision: enforced.verdict,
    reason: enforced.reason,
    violations: enforced.violations,
    decision_id: parts.decisionId,
    policy_version: parts.policyVersion,
    agent_id: parts.agentId,
    tool: parts.tool,
    action: parts.action,
    next: nextStep(enforced, error),
    ...(enforced.approval && {
      approval: {
        id: enforced.approval.id,
        status_url: parts.statusUrl(enforced.approval.id),
        expires_at: new Date(enforced.approval.expiresAtMs).toISOString(),
        poll_after_s: pollAfterSeconds,
      },
    }),
  });
  const headers = [
    overwrite("content-type", "application/problem+json"),
    overwrite("cache-control", "no-store"),
    overwrite("x-countersign-decision", enforced.verdict),
    overwrite("x-countersign-decision-id", parts.decisionId),
    ...(status === 401 ? [overwrite("www-authenticate", challenge(enforced.reason))] : []),
    ...(status === 429 ? limitHeaders(enforced) : []),
  ];
  return {
    denied: { status: { code: status }, headers, body: JSON.stringify(body) },
    code: status === 401 ? grpcUnauthenticated : grpcPermissionDenied,
  };
}

/** RFC 6750 section 3: no error code when the call carried no credential at all. */
function challenge(reason: Reason): string {
  const realm = 'Bearer realm="countersign"';
  return reason === "credential_missing" ? realm : `${realm}, error="invalid_token", error_description="${reason}"`;
}

/** RFC 9110 section 10.2.3, and the two fields of draft-ietf-httpapi-ratelimit-headers: what is permitted, what is left. */
function limitHeaders({ limit }: Answer): HeaderValueOption[] {
  if (!limit) return [];
  const seconds = Math.max(1, Math.ceil(limit.retryAfterMs / 1000));
  return [
    overwrite("retry-after", String(seconds)),
    overwrite("ratelimit-policy", policyItem(limit)),
    overwrite("ratelimit", `"${limit.policy}";r=0;t=${seconds}`),
  ];
}

/** What is left of each limit, for the agent to slow down before it is refused. */
function standingHeaders(standings: readonly LimitStanding[] = []): HeaderValueOption[] {
  if (standings.length === 0) return [];
  let left = "";
  for (const { policy, left: r, resetSeconds } of standings) {
    left += `${left === "" ? "" : ", "}"${policy}";r=${r};t=${resetSeconds}`;
  }
  if (!sameLimits(standings, lastStandings)) {
    lastStandings = standings;
    policiesOption = overwrite("ratelimit-policy", standings.map(policyItem).join(", "));
  }
  return [policiesOption, overwrite("ratelimit", left)];
}

/** Most calls are held to the limits that the one before was held to: their header is made once. */
let lastStandings: readonly LimitStanding[] = [];
let policiesOption = overwrite("ratelimit-policy", "");

function sameLimits(one: readonly LimitStanding[], other: readonly LimitStanding[]): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) {
    const [a, b] = [one[i] as LimitStanding, other[i] as LimitStanding];
    if (a.policy !== b.policy || a.quota !== b.quota || a.windowSeconds !== b.windowSeconds) return false;
  }
  return true;
}

function policyItem({ policy, quota, windowSeconds }: Pick<Limit, "policy" | "quota" | "windowSeconds">): string {
  return `"${policy}";q=${quota}${windowSeconds === null ? "" : `;w=${windowSeconds}`}`;
}

function overwrite(key: string, value: string): HeaderValueOption {
  return { header: { key, value }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD", keep_empty_value: true };
}
