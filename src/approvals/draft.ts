import type { Call, Identity, Json, Session } from "../call.js";
import type { Escalation } from "../outcome.js";
import { Refusal } from "../refusal.js";
import type { Violation } from "../verdict.js";
import type { UnsignedDraft } from "./opening.js";

/** Longest JSON of a draft, in bytes: more than that no person judges whole. */
export const maxDraftBytes = 65_536;

/** What an approval is opened from. */
export interface DraftRequest {
  /** A fresh ULID; the approval becomes `apr_<ULID>`. */
  id: string;
  identity: Identity;
  session: Session;
  call: Call;
  fingerprint: string;
  reason: string;
  violations: readonly Violation[];
  policyVersion: string;
  decisionId: string;
  /** Distinct people, >= 1. */
  quorum: number;
  /** Lists of groups: who answers is in at least one group of every list. */
  approvers: readonly (readonly string[])[];
  escalation?: Escalation | undefined;
  /** What the call takes from budgets when it is let through, in micro-units. */
  costMicro: number;
  expiresInMs: number;
}

/**
 * The approval to ask for. Throws `approval_too_large`, and `RangeError` for a quorum, groups or a lifetime that nobody
 * could meet.
 */
export function openDraft(request: DraftRequest): UnsignedDraft {
  const { identity, session, call, quorum, approvers, escalation, costMicro, expiresInMs } = request;
  if (!Number.isSafeInteger(quorum) || quorum < 1) throw new RangeError("a quorum is a whole number from 1");
  if ([...approvers, ...(escalation?.approvers ?? [])].some((groups) => groups.length === 0))
    throw new RangeError("a list of groups names at least one");
  if (!Number.isSafeInteger(expiresInMs) || expiresInMs < 1) throw new RangeError("an approval needs time to be given");
  const draft = {
    id: `apr_${request.id}`,
    agent: identity.agent.id,
    session: session.id,
    fingerprint: request.fingerprint,
    call: shownCall(call),
    reason: request.reason,
    violations: request.violations,
    requestedBy: {
      agent: identity.agent.id,
      ...(session.initiated_by === undefined ? {} : { initiated_by: session.initiated_by }),
    },
    policyVersion: request.policyVersion,
    decisionId: request.decisionId,
    deploymentId: call.deployment_id ?? request.decisionId,
    quorum,
    approvers,
    ...(escalation && { escalation }),
    costMicro,
    expiresInMs,
  };
  if (Buffer.byteLength(JSON.stringify(draft)) > maxDraftBytes) {
    throw new Refusal("approval_too_large", "the call is too large for people to judge whole");
  }
  return draft;
}

/**
 * The canonical call as people see it: whole, never truncated. Headers are not part of it, since they hold credentials
 * and the fingerprint does not bind them; what people approve is exactly what the fingerprint binds.
 */
export function shownCall(call: Call): Json {
  const { method, path, query, content_type, body_sha256 } = call.http;
  return {
    tool: call.tool,
    action: call.action,
    environment: call.environment,
    service: call.service,
    image_tag: call.image_tag,
    deployment_id: call.deployment_id,
    amount: call.amount,
    images: [...call.images],
    params: { ...call.params },
    ...bodyOf(call),
    destination: { ...call.destination },
    method,
    path,
    query: query.map(({ name, value }) => ({ name, value })),
    content_type,
    body_sha256,
  };
}

/** What reaches the tool beside the parameters; nothing when that is empty. */
function bodyOf({ body }: Call): { body?: Call["body"] } {
  if (body === null) return { body };
  return Object.keys(body).length === 0 ? {} : { body: { ...body } };
}

/** True for a call, as it is shown, with a body that was not read: what is in it nobody sees. */
export function isBodyUnread(shown: Json): boolean {
  return typeof shown === "object" && shown !== null && !Array.isArray(shown) && shown.body === null;
}
