import type { Outcome } from "../outcome.js";
import type { Masker, RecordParts } from "../record/index.js";
import type { RespondParts } from "../respond/index.js";
import { anomaliesOf, attestationOf, type Shown, type Trail } from "./trail.js";

/** What is recorded of a decision. */
export function recordParts(
  trail: Trail,
  outcome: Outcome,
  told: { nowMs: number; latencyUs: number; traceId: string; mask: Masker },
): RecordParts {
  const { decisionId, request, identity, call, attested, evaluation, settlement } = trail;
  const { nowMs, latencyUs, traceId, mask } = told;
  const { computed, enforced, mode } = outcome;
  return {
    decisionId,
    nowMs,
    latencyUs,
    traceId,
    mask,
    request: request ?? null,
    identity: identity ?? null,
    call: call ?? null,
    session: attestationOf(trail),
    anomalies: anomaliesOf(trail),
    proven: trail.proven ?? null,
    fingerprint: attested?.fingerprint ?? null,
    evaluation: evaluation ?? null,
    redeemed: settlement?.redeemed ?? null,
    local: settlement?.local,
    computed: trail.opened ? { ...computed, approval: trail.opened } : computed,
    enforced,
    mode,
  };
}

/** What Envoy is told of it. */
export function respondParts(
  trail: Trail,
  shown: Shown,
  { computed, enforced, mode }: Outcome,
  { stripCredentials, statusUrl }: { stripCredentials: boolean; statusUrl: RespondParts["statusUrl"] },
): RespondParts {
  const { decisionId, workspace, identity, call, request } = trail;
  return {
    decisionId,
    computed,
    enforced,
    mode,
    policyVersion: workspace.policies.version,
    agentId: identity?.agent.id ?? trail.proven?.agent ?? null,
    tool: call?.tool ?? null,
    action: shown.action,
    headers: request?.headers ?? [],
    query: call?.http.query ?? [],
    credentialHeader: stripCredentials ? (identity?.credentialHeader ?? null) : null,
    statusUrl,
  };
}
