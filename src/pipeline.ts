import type { HeldCall } from "./approvals/hold.js";
import type { ApprovalsService } from "./approvals/service.js";
import { bringing } from "./attest/bringing.js";
import { type Attested, type AttestParts, attest, type Recalled, type RecallParts, recall } from "./attest/index.js";
import { type AttestationTrust, readAttestation } from "./attestation/read.js";
import type { AuditSink } from "./audit/record.js";
import type { Call, HttpRequest, Identity, Session } from "./call.js";
import { type Attempt, decide, refused, unenforced } from "./decide/index.js";
import { happeningsOf } from "./decision/happenings.js";
import { recordParts, respondParts } from "./decision/parts.js";
import { begun, factsOf, type Shown, seenOf, shownOf, type Trail, vouchedBy } from "./decision/trail.js";
import { decode, describe, fingerprint } from "./decode/index.js";
import type { Engine } from "./evaluate/engine.js";
import { type EvaluateParts, type Evaluation, evaluate } from "./evaluate/index.js";
import type { CheckRequest, CheckResponse } from "./grpc/messages.js";
import type { CheckContext } from "./grpc/server.js";
import type { IdentifyContext } from "./identify/credential.js";
import { identifyAtOnce } from "./identify/index.js";
import type { VerifyKey } from "./keys/keys.js";
import { inStep } from "./lockstep.js";
import type { Happening } from "./notify/notice.js";
import type { Outcome } from "./outcome.js";
import type { AgentDocument } from "./policies/document.js";
import { read } from "./read/index.js";
import { createMasker, type Masker, record } from "./record/index.js";
import { Refusal } from "./refusal.js";
import type { RegoPool } from "./rego/pool.js";
import { bareDenial, respond } from "./respond/index.js";
import type { Runtime } from "./runtime.js";
import { sessionOf } from "./sessions/who.js";
import { note, type SessionTerms, type Settlement, settle } from "./settle/index.js";
import { isStoreAway, unsettled } from "./settle/unsettled.js";
import type { Store } from "./store/store.js";
import type { DecisionTelemetry } from "./telemetry/decision.js";
import type { InForce } from "./workspace/workspace.js";

/** The stages of one decision, in order. Tests replace one to see what happens when it breaks. */
export const stages = {
  read,
  identify: identifyAtOnce,
  decode,
  describe,
  attest,
  recall,
  evaluate,
  settle,
  decide,
  note,
  record,
  respond,
};
export type Stages = typeof stages;

/** Everything a decision needs, put together once by the server. */
export interface PipelineDeps {
  runtime: Runtime;
  /** The files in force; taken once per judgement of a call, so that a reload never mixes versions within one. */
  workspace: () => InForce;
  /** What credentials are checked against, beside the registry and the clock. */
  credentials: Omit<IdentifyContext, "registry" | "now">;
  approvalKey: VerifyKey;
  engine: Engine;
  rego: RegoPool;
  store: Store;
  approvals: ApprovalsService;
  audit: AuditSink;
  telemetry: DecisionTelemetry;
  /** Told what people may want to know; never throws and never makes the call wait. */
  tell: (happening: Happening) => void;
  options: {
    maxBodyBytes: number;
    unmatched: "deny" | "passthrough";
    dryRun: boolean;
    stripCredentials: boolean;
    approvalExpiresMs: number;
    /** True when the connection to Envoy is one over which `source.principal` can be believed. */
    trustPrincipal: boolean;
    /**
     * How long calls go on with a share of the limits on a process that does not hear who was disabled meanwhile, in
     * milliseconds; 0 = not at all.
     */
    goesOnMs: number;
    sessions: SessionTerms;
    attestation: AttestationTrust & { required: boolean };
  };
}

export interface DecideContext extends Pick<CheckContext, "cancelled"> {
  /** True for a call of no HTTP tool, whose request describes it (`/v1/check`). */
  described?: boolean;
}

/** One decision: from Envoy's question to its answer. `cancelled` is true once Envoy has given up. */
export type Decide = (check: CheckRequest, context?: DecideContext) => Promise<CheckResponse>;

/** A call that is known and proven, as far as neither policies nor the store are asked. */
interface Understood {
  request: HttpRequest;
  identity: Identity;
  session: Session;
  document: AgentDocument;
  call: Call;
  attested: Attested;
}

interface Question {
  check: CheckRequest;
  described: boolean;
  /** The override token that the request is read as if it had brought. */
  override: string | null;
}

export function createPipeline(deps: PipelineDeps, parts: Stages = stages): Decide {
  const { runtime, options } = deps;
  const { attestation: trust } = options;
  /** Each takes the trail first, where it notes that it took long. */
  const stage = deps.telemetry.timed({ ...parts, hold: (call: HeldCall) => deps.approvals.hold(call) });

  /**
   * read -> identify -> decode -> attest -> evaluate -> settle -> decide. Throws what ends the decision in a denial. One function,
   * and what a stage answers at once is not awaited: a promise for each step would cost a call a fifth of all that is ours.
   * Calls that came together are evaluated together, and then settled together.
   */
  async function findOut(question: Question, trail: Trail): Promise<Outcome> {
    const nowMs = runtime.now();
    // Up to the attestation everything holds in shadow too.
    const request = asked(question, trail);
    const proving = stage.identify(trail, request, credentials(trail, nowMs));
    const identity = proving instanceof Promise ? await proving : proving;
    trail.identity = identity;
    const session = sessionOf(identity, trail.workspace.registry);
    trail.session = session;
    // Once for all stages: among thousands of agents it is looked up where the processor's cache has not been for long.
    const { document } = trail.workspace.policies.documentOf(identity.agent.id);
    trail.document = document;
    const call = meant(question, trail, request);
    const attesting = stage.attest(trail, circumstances(identity, session, call, nowMs));
    const attested = attesting instanceof Promise ? await attesting : attesting;
    trail.attested = attested;

    // Shadow covers this step and the next one: a failure is a result, for the decision to weigh.
    const understood = { request, identity, session, document, call, attested };
    let evaluation: Attempt<Evaluation>;
    try {
      const recalling = stage.recall(trail, remembered(understood));
      const recalled = recalling instanceof Promise ? await recalling : recalling;
      await inStep;
      const evaluating = stage.evaluate(trail, judged(understood, trail, recalled, nowMs));
      trail.evaluation = evaluating instanceof Promise ? await evaluating : evaluating;
      evaluation = { value: trail.evaluation };
    } catch (failure) {
      evaluation = failed(trail, failure);
    }
    await inStep;
    let settlement: Attempt<Settlement>;
    try {
      settlement = "failure" in evaluation ? evaluation : { value: await settled(understood, trail, evaluation.value) };
    } catch (failure) {
      settlement = failed(trail, failure);
    }
    if ("value" in settlement) keep(settlement.value, trail, identity, session);

    const { limits, mode, failure_mode: failureMode } = document;
    const { dryRun } = options;
    return stage.decide(trail, { evaluation, settlement, tool: call.tool, limits, mode, failureMode, dryRun });
  }

  function asked({ check, override }: Question, trail: Trail): HttpRequest {
    trail.request = bringing(override, stage.read(trail, check, options));
    return trail.request;
  }

  function credentials({ workspace }: Trail, nowMs: number): IdentifyContext {
    const { issuer, trusted, revocations } = deps.credentials;
    return { issuer, trusted, revocations, registry: workspace.registry, now: () => nowMs, mayBeUnsure: true };
  }

  function meant({ described }: Question, trail: Trail, request: HttpRequest): Call {
    const { catalogue } = trail.workspace;
    trail.call = described
      ? stage.describe(trail, request, catalogue)
      : stage.decode(trail, request, catalogue, options);
    return trail.call;
  }

  function circumstances(identity: Identity, session: Session, call: Call, nowMs: number): AttestParts {
    const agent = identity.agent.id;
    return {
      identity,
      session,
      call,
      fingerprintOf: (id) => fingerprint({ agent, session: id, call }),
      approvalKey: deps.approvalKey,
      readAttestation: (header) => readAttestation(header, { agent, session: session.id, nowMs, ...trust }),
      attestationRequired: trust.required,
      nowMs,
    };
  }

  function remembered({ identity, session, document, call, attested }: Understood): RecallParts {
    const agent = identity.agent.id;
    const { needs } = document;
    // A bundle of somebody else's making may not say it: where a user's Rego misses the session, its `deny` is silent.
    const needsSession = needs.session || needs.rego.length > 0;
    // Policies that need no store can still say no.
    if (identity.unsure && needsSession) throw identity.unsure;
    const { override, brought } = attested;
    return {
      agent,
      session,
      call,
      override,
      brought,
      attestationRequired: trust.required,
      observersKnown: trust.keys.length > 0,
      needsSession,
      learningMs: options.sessions.learningMs,
      store: deps.store,
    };
  }

  function judged(understood: Understood, trail: Trail, recalled: Recalled, nowMs: number): EvaluateParts {
    const { identity, session, call, attested } = understood;
    const { observed } = recalled;
    // Without a word on the session, a policy could take it for one that nothing is known against.
    if (observed === undefined) throw new TypeError("it is not known what the session did");
    trail.recalled = recalled;
    if (recalled.refusal) throw recalled.refusal;
    const { policies } = trail.workspace;
    const { engine, rego } = deps;
    const { override } = attested;
    return {
      identity: vouchedBy(identity, recalled),
      session,
      observed,
      call,
      override,
      nowMs,
      policies,
      engine,
      rego,
    };
  }

  function settled(understood: Understood, trail: Trail, evaluation: Evaluation): Settlement | Promise<Settlement> {
    const { request, identity, session, call, attested } = understood;
    // Whom people are asked for, and what they answered, is not settled on old knowledge of who was disabled.
    const plain = evaluation.enforced.verdict !== "approval_needed" && attested.override === null;
    const goesOn = plain && deps.credentials.revocations.unheardMs() <= options.goesOnMs;
    if (identity.unsure && !goesOn) return unsettled(identity.unsure, evaluation);
    const { recalled } = trail;
    // Named one by one: spreading what three stages found would cost more than what is done with it.
    return stage.settle(trail, {
      requestId: request.id,
      decisionId: trail.decisionId,
      approvalId,
      identity,
      session,
      call,
      fingerprint: attested.fingerprint,
      override: attested.override,
      approval: recalled?.approval ?? null,
      indicators: recalled?.indicators ?? [],
      outside: recalled?.outside ?? null,
      tags: evaluation.tags,
      terms: options.sessions,
      policyVersion: evaluation.policyVersion,
      computed: evaluation.computed,
      enforced: evaluation.enforced,
      limits: evaluation.limits,
      costMicro: evaluation.costMicro,
      dryRun: options.dryRun,
      store: deps.store,
      approvals: deps.approvals,
      onObserved: () => {
        trail.observed = true;
      },
      approvalExpiresMs: options.approvalExpiresMs,
    });
  }

  /** Of the few calls that people are asked about. */
  const approvalId = (): string => runtime.id();

  function keep(settlement: Settlement, trail: Trail, identity: Identity, session: Session): void {
    const { opened, trouble } = settlement;
    trail.settlement = settlement;
    for (const happening of happeningsOf(settlement, identity.agent.id, session.id)) deps.tell(happening);
    if (opened) trail.opened = opened;
    if (trouble) trail.failures.push(trouble);
    if (trouble) trail.observed = true;
  }

  /** What was answered without being settled belongs to the session too. That it could not be told changes no answer. */
  function noted(trail: Trail, outcome: Outcome): Promise<void> | null {
    const { identity, session, observed } = trail;
    return identity && session && !observed ? told(trail, outcome, identity, session) : null;
  }

  async function told(trail: Trail, { enforced }: Outcome, identity: Identity, session: Session): Promise<void> {
    const { request, failures } = trail;
    // Without the store nothing can be told, unless it is kept until the store is back.
    if (options.goesOnMs === 0 && (identity.unsure || failures.some(isStoreAway))) return;
    const agent = identity.agent.id;
    const key = `${request?.id}/${trail.decisionId}`;
    try {
      trail.before = await stage.note(
        trail,
        { agent, key, store: deps.store, ...seenOf(trail, session, options.sessions) },
        enforced,
      );
    } catch (error) {
      trail.failures.push(error);
    }
  }

  /** The token of the approval that is needed, where the policies let the call wait for it and people gave it in time. */
  function held(trail: Trail, { enforced }: Outcome, cancelled: () => boolean): Promise<string | null> | null {
    const { identity, session, evaluation } = trail;
    const ms = evaluation?.enforced.terms.holdMs;
    if (!enforced.approval || ms === undefined || !identity || !session) return null;
    const { id } = enforced.approval;
    return stage.hold(trail, { id, agent: identity.agent.id, session: session.id, ms, cancelled });
  }

  /** Nothing passes before its record is written. The sink may only count a refusal beyond a measure, which needs no disk. */
  function recorded(trail: Trail, mask: Masker, outcome: Outcome, traceId: string): Promise<void> {
    const latencyUs = runtime.monotonicMicros() - trail.startedUs;
    const parts = recordParts(trail, outcome, { nowMs: runtime.now(), latencyUs, traceId, mask });
    return stage.record(trail, parts, deps.audit);
  }

  function answered(trail: Trail, shown: Shown, outcome: Outcome): CheckResponse {
    const { stripCredentials } = options;
    const { statusUrl } = deps.approvals;
    try {
      return stage.respond(trail, respondParts(trail, shown, outcome, { stripCredentials, statusUrl }));
    } catch (error) {
      trail.failures.push(error);
      return bareDenial;
    }
  }

  const enforceable = (outcome: Outcome) => (options.dryRun ? unenforced(outcome) : outcome);

  return async (check, { cancelled, described = false } = { cancelled: () => false }) => {
    let trail = begun(runtime.id(), runtime.monotonicMicros(), deps.workspace());
    const span = deps.telemetry.start(check);
    let outcome = undecided;
    try {
      const question = { check, described, override: null };
      outcome = await findOut(question, trail);
      const waiting = held(trail, outcome, cancelled);
      const override = waiting && (await waiting);
      if (override !== null) {
        // Files, limits and credentials may have changed while the call waited: what holds now decides.
        const { decisionId, startedUs, failures, slow, opened } = trail;
        trail = { ...begun(decisionId, startedUs, deps.workspace()), failures, slow, ...(opened && { opened }) };
        outcome = await findOut({ ...question, override }, trail);
      }
    } catch (error) {
      if (!(error instanceof Refusal) || error.cause !== undefined) trail.failures.push(error);
      if (error instanceof Refusal && error.proven) trail.proven = error.proven;
      outcome = refused(error);
    }
    outcome = enforceable(outcome);
    const noting = noted(trail, outcome);
    if (noting) await noting;
    const mask = createMasker(trail);
    try {
      await recorded(trail, mask, outcome, span.traceId);
    } catch (error) {
      trail.failures.push(error);
      outcome = enforceable(refused(error));
    }
    const shown = shownOf(trail, mask);
    const response = answered(trail, shown, outcome);
    span.end(factsOf(trail, shown, outcome, runtime.monotonicMicros() - trail.startedUs));
    return response;
  };
}

/** What each decision begins as; only an explicit answer changes it. One for all calls, since making an error takes long. */
const undecided = refused(new Refusal("internal_error", "the authorizer failed"));

function failed(trail: Trail, failure: unknown): { failure: unknown } {
  if (!trail.failures.includes(failure)) trail.failures.push(failure);
  return { failure };
}
