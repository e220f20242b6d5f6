import type { ApprovalsService } from "./approvals/service.js";
import { type Attested, attest, overrideHeader } from "./attest/index.js";
import type { AuditSink } from "./audit/record.js";
import type { Call, HttpRequest, Identity } from "./call.js";
import { type Attempt, decide, refused, unenforced } from "./decide/index.js";
import { decode, fingerprint } from "./decode/index.js";
import type { Engine } from "./evaluate/engine.js";
import { type Evaluation, evaluate } from "./evaluate/index.js";
import type { CheckRequest, CheckResponse } from "./grpc/messages.js";
import type { CheckContext } from "./grpc/server.js";
import { identify } from "./identify/index.js";
import type { IssuerVerifier } from "./identify/local_issuer.js";
import type { VerifyKey } from "./keys/keys.js";
import type { Outcome } from "./outcome.js";
import { read } from "./read/index.js";
import { createMasker, type Masker, record } from "./record/index.js";
import { Refusal } from "./refusal.js";
import type { RegoPool } from "./rego/pool.js";
import { bareDenial, respond } from "./respond/index.js";
import type { Runtime } from "./runtime.js";
import { type Settlement, settle } from "./settle/index.js";
import type { Store } from "./store/store.js";
import type { DecisionFacts, DecisionTelemetry } from "./telemetry/decision.js";
import type { InForce } from "./workspace/workspace.js";

/** The stages of one decision, in order. Tests replace one to see what happens when it breaks. */
export const stages = { read, identify, decode, attest, evaluate, settle, decide, record, respond };
export type Stages = typeof stages;

/** Everything a decision needs, put together once by the server. */
export interface PipelineDeps {
  runtime: Runtime;
  /** The files in force; taken once per judgement of a call, so that a reload never mixes versions within one. */
  workspace: () => InForce;
  issuer: IssuerVerifier;
  approvalKey: VerifyKey;
  engine: Engine;
  rego: RegoPool;
  store: Store;
  approvals: ApprovalsService;
  audit: AuditSink;
  telemetry: DecisionTelemetry;
  options: {
    maxBodyBytes: number;
    unmatched: "deny" | "passthrough";
    dryRun: boolean;
    stripCredentials: boolean;
    approvalExpiresMs: number;
  };
}

/** What is known of a decision so far. It can end at any stage, so everything may be missing. */
export interface Trail {
  decisionId: string;
  startedUs: number;
  /** The files in force when the call was judged. */
  workspace: InForce;
  request?: HttpRequest;
  identity?: Identity;
  call?: Call;
  attested?: Attested;
  evaluation?: Evaluation;
  settlement?: Settlement;
  /** The approval that people were asked for. */
  opened?: { id: string; expiresAtMs: number };
  /** Why a stage failed, for the log. */
  failures: unknown[];
}

/** One decision: from Envoy's question to its answer. `cancelled` is true once Envoy has given up. */
export type Decide = (check: CheckRequest, context?: Pick<CheckContext, "cancelled">) => Promise<CheckResponse>;

export function createPipeline(deps: PipelineDeps, { ...stage }: Stages = stages): Decide {
  const { runtime, options } = deps;

  /**
   * read -> identify -> decode -> attest -> evaluate -> settle -> decide. Throws what ends the decision in a denial.
   * With `override` the request is read as if it had brought that token.
   */
  async function findOut(check: CheckRequest, trail: Trail, override: string | null = null): Promise<Outcome> {
    const { registry, catalogue, policies } = trail.workspace;
    const nowMs = runtime.now();

    const request = bringing(override, stage.read(check, { maxBodyBytes: options.maxBodyBytes }));
    trail.request = request;
    const identity = await stage.identify(request, { registry, issuer: deps.issuer, now: () => nowMs });
    trail.identity = identity;
    const call = stage.decode(request, catalogue, { unmatched: options.unmatched });
    trail.call = call;
    const fingerprintOf = (session: string) => fingerprint({ agent: identity.agent.id, session, call });
    const attested = await stage.attest({
      identity,
      call,
      registry,
      fingerprintOf,
      approvalKey: deps.approvalKey,
      nowMs,
    });
    trail.attested = attested;

    const evaluation = await attempt(trail, () =>
      stage.evaluate({ identity, call, ...attested, policies, engine: deps.engine, rego: deps.rego, nowMs }),
    );
    if ("value" in evaluation) trail.evaluation = evaluation.value;
    const settlement = await attempt(trail, () => {
      if ("failure" in evaluation) throw evaluation.failure;
      return stage.settle({
        requestId: request.id,
        decisionId: trail.decisionId,
        approvalId: runtime.id(),
        identity,
        call,
        ...attested,
        ...evaluation.value,
        dryRun: options.dryRun,
        store: deps.store,
        approvals: deps.approvals,
        approvalExpiresMs: options.approvalExpiresMs,
      });
    });
    if ("value" in settlement) {
      trail.settlement = settlement.value;
      if (settlement.value.opened) trail.opened = settlement.value.opened;
    }

    const { limits, mode, failure_mode: failureMode } = policies.documentOf(identity.agent.id).document;
    return stage.decide({ evaluation, settlement, limits, mode, failureMode, dryRun: options.dryRun });
  }

  /** The token of the approval that is needed, where the policies let the call wait for it and people gave it in time. */
  async function held(trail: Trail, { enforced }: Outcome, cancelled: () => boolean): Promise<string | null> {
    const { identity, attested, evaluation } = trail;
    const ms = evaluation?.enforced.terms.holdMs;
    if (!enforced.approval || ms === undefined || !identity || !attested) return null;
    const { id } = enforced.approval;
    return deps.approvals.hold({ id, agent: identity.agent.id, session: attested.session.id, ms, cancelled });
  }

  /** No answer leaves before its record is written; without one, nothing is let through. */
  async function recorded(trail: Trail, mask: Masker, outcome: Outcome, traceId: string): Promise<Outcome> {
    const { decisionId, request, identity, call, attested, evaluation, settlement } = trail;
    try {
      await stage.record(
        {
          decisionId,
          nowMs: runtime.now(),
          latencyUs: runtime.monotonicMicros() - trail.startedUs,
          traceId,
          request: request ?? null,
          identity: identity ?? null,
          call: call ?? null,
          session: attested?.session ?? null,
          fingerprint: attested?.fingerprint ?? null,
          evaluation: evaluation ?? null,
          redeemed: settlement?.redeemed ?? null,
          mask,
          ...outcome,
          computed: { ...outcome.computed, ...(trail.opened && { approval: trail.opened }) },
        },
        deps.audit,
      );
      return outcome;
    } catch (error) {
      trail.failures.push(error);
      return enforceable(refused(error));
    }
  }

  function answered(trail: Trail, shown: Shown, { computed, enforced, mode }: Outcome): CheckResponse {
    try {
      return stage.respond({
        decisionId: trail.decisionId,
        computed,
        enforced,
        mode,
        policyVersion: trail.workspace.policies.version,
        agentId: trail.identity?.agent.id ?? null,
        tool: trail.call?.tool ?? null,
        action: shown.action,
        headers: trail.request?.headers ?? [],
        query: trail.call?.http.query ?? [],
        credentialHeader: options.stripCredentials ? (trail.identity?.credentialHeader ?? null) : null,
        statusUrl: deps.approvals.statusUrl,
      });
    } catch (error) {
      trail.failures.push(error);
      return bareDenial;
    }
  }

  function factsOf(
    trail: Trail,
    shown: Shown,
    { computed, enforced, mode }: Outcome,
    latencyUs: number,
  ): DecisionFacts {
    return {
      decisionId: trail.decisionId,
      agentId: trail.identity?.agent.id ?? null,
      sessionId: trail.attested?.session.id ?? null,
      tool: trail.call?.tool ?? null,
      ...shown,
      decision: computed.verdict,
      enforced: enforced.verdict,
      reason: computed.reason,
      rules: computed.violations.map(({ rule }) => rule),
      mode,
      policyVersion: trail.workspace.policies.version,
      latencyUs,
      failures: trail.failures,
    };
  }

  const enforceable = (outcome: Outcome) => (options.dryRun ? unenforced(outcome) : outcome);

  return async (check, { cancelled } = { cancelled: () => false }) => {
    const begun = { decisionId: runtime.id(), startedUs: runtime.monotonicMicros(), failures: [] };
    let trail: Trail = { ...begun, workspace: deps.workspace() };
    const span = deps.telemetry.start(check);
    let outcome = refused(new Refusal("internal_error", "the authorizer failed"));
    try {
      outcome = await findOut(check, trail);
      const override = await held(trail, outcome, cancelled);
      if (override !== null) {
        // Files, limits and credentials may have changed while the call waited: what holds now decides.
        trail = { ...begun, workspace: deps.workspace(), ...(trail.opened && { opened: trail.opened }) };
        outcome = await findOut(check, trail, override);
      }
    } catch (error) {
      if (!(error instanceof Refusal) || error.cause !== undefined) trail.failures.push(error);
      outcome = refused(error);
    }
    const mask = createMasker(trail);
    outcome = await recorded(trail, mask, enforceable(outcome), span.traceId);
    const shown = shownOf(trail, mask);
    const response = answered(trail, shown, outcome);
    span.end(factsOf(trail, shown, outcome, runtime.monotonicMicros() - trail.startedUs));
    return response;
  };
}

/** Words of the call as everybody may read them: in logs, traces and Envoy's metadata. */
type Shown = Pick<DecisionFacts, "action" | "environment">;

/** Nothing of what cannot be masked. */
function shownOf(trail: Trail, mask: Masker): Shown {
  const shown = (text: string | null | undefined) => (typeof text === "string" ? mask.text(text) : null);
  try {
    return { action: shown(trail.call?.action), environment: shown(trail.call?.environment) };
  } catch (error) {
    trail.failures.push(error);
    return { action: null, environment: null };
  }
}

function bringing(override: string | null, request: HttpRequest): HttpRequest {
  if (override === null) return request;
  const others = request.headers.filter(({ name }) => name !== overrideHeader);
  return { ...request, headers: [...others, { name: overrideHeader, value: override }] };
}

/** Runs a stage that shadow covers: its failure is a result, for the decision to weigh. */
async function attempt<T>(trail: Trail, run: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await run() };
  } catch (failure) {
    if (!trail.failures.includes(failure)) trail.failures.push(failure);
    return { failure };
  }
}
