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
  return {
    decisionId,
    ...told,
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
    ...outcome,
    computed: { ...outcome.computed, ...(trail.opened && { approval: trail.opened }) },
  };
}

/** What Envoy is told of it. */
export function respondParts(
  trail: Trail,
  shown: Shown,
  outcome: Outcome,
  { stripCredentials, statusUrl }: { stripCredentials: boolean; statusUrl: RespondParts["statusUrl"] },
): RespondParts {
  const { decisionId, workspace, identity, call, request } = trail;
  return {
    decisionId,
    ...outcome,
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
