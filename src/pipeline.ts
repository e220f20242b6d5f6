import type { HeldCall } from "./approvals/hold.js";
import type { ApprovalsService } from "./approvals/service.js";
import { type Attested, attest, overrideHeader, recall } from "./attest/index.js";
import { type AttestationTrust, readAttestation } from "./attestation/read.js";
import type { AuditSink } from "./audit/record.js";
import type { Call, HttpRequest, Identity, Session } from "./call.js";
import { type Attempt, decide, refused, unenforced } from "./decide/index.js";
import { happeningsOf } from "./decision/happenings.js";
import { recordParts, respondParts } from "./decision/parts.js";
import { factsOf, type Shown, seenOf, shownOf, type Trail, vouchedFacts } from "./decision/trail.js";
import { decode, describe, fingerprint } from "./decode/index.js";
import type { Engine } from "./evaluate/engine.js";
import { type Evaluation, evaluate } from "./evaluate/index.js";
import type { CheckRequest, CheckResponse } from "./grpc/messages.js";
import type { CheckContext } from "./grpc/server.js";
import type { IdentifyContext } from "./identify/credential.js";
import { identify } from "./identify/index.js";
import type { VerifyKey } from "./keys/keys.js";
import type { Happening } from "./notify/notice.js";
import type { Outcome } from "./outcome.js";
import { read } from "./read/index.js";
import { createMasker, type Masker, record } from "./record/index.js";
import { Refusal } from "./refusal.js";
import type { RegoPool } from "./rego/pool.js";
import { bareDenial, respond } from "./respond/index.js";
import type { Runtime } from "./runtime.js";
import { sessionOf } from "./sessions/who.js";
import { note, type SessionTerms, type Settlement, settle } from "./settle/index.js";
import type { Store } from "./store/store.js";
import type { DecisionTelemetry } from "./telemetry/decision.js";
import type { InForce } from "./workspace/workspace.js";

/** The stages of one decision, in order. Tests replace one to see what happens when it breaks. */
export const stages = {
  read,
  identify,
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

  /** read -> identify -> decode -> attest -> evaluate -> settle -> decide. Throws what ends the decision in a denial. */
  async function findOut(question: Question, trail: Trail): Promise<Outcome> {
    const nowMs = runtime.now();
    const understood = await understand(question, trail, nowMs);
    const evaluation = await evaluated(understood, trail, nowMs);
    if ("value" in evaluation) trail.evaluation = evaluation.value;
    const settlement = "failure" in evaluation ? evaluation : await settled(understood, trail, evaluation.value);
    if ("value" in settlement) {
      const { opened, trouble } = settlement.value;
      trail.settlement = settlement.value;
      const who = { agent: understood.identity.agent.id, session: understood.session.id };
      for (const happening of happeningsOf(settlement.value, who)) deps.tell(happening);
      if (opened) trail.opened = opened;
      if (trouble) trail.failures.push(trouble);
      if (trouble) trail.observed = true;
    }
    const { document } = trail.workspace.policies.documentOf(understood.identity.agent.id);
    const { limits, mode, failure_mode: failureMode } = document;
    return stage.decide(trail, {
      evaluation,
      settlement,
      tool: understood.call.tool,
      limits,
      mode,
      failureMode,
      dryRun: options.dryRun,
    });
  }

  /** read -> identify -> decode -> attest: what holds in shadow too. */
  async function understand(
    { check, described, override }: Question,
    trail: Trail,
    nowMs: number,
  ): Promise<Understood> {
    const { registry, catalogue } = trail.workspace;
    const { maxBodyBytes, trustPrincipal, unmatched } = options;
    const request = bringing(override, stage.read(trail, check, { maxBodyBytes, trustPrincipal }));
    trail.request = request;
    const identity = await stage.identify(trail, request, {
      ...deps.credentials,
      registry,
      now: () => nowMs,
      mayBeUnsure: true,
    });
    trail.identity = identity;
    const agent = identity.agent.id;
    const session = sessionOf(identity, registry);
    trail.session = session;
    const call = described
      ? stage.describe(trail, request, catalogue)
      : stage.decode(trail, request, catalogue, { unmatched });
    trail.call = call;
    const attested = await stage.attest(trail, {
      identity,
      session,
      call,
      fingerprintOf: (id) => fingerprint({ agent, session: id, call }),
      approvalKey: deps.approvalKey,
      readAttestation: (header) => readAttestation(header, { ...trust, agent, session: session.id, nowMs }),
      attestationRequired: trust.required,
      nowMs,
    });
    trail.attested = attested;
    return { request, identity, session, call, attested };
  }

  /** Shadow covers this step and the next one: a failure is a result, for the decision to weigh. */
  async function evaluated(understood: Understood, trail: Trail, nowMs: number): Promise<Attempt<Evaluation>> {
    try {
      const { identity, session, call, attested } = understood;
      const { policies } = trail.workspace;
      const agent = identity.agent.id;
      const { needs } = policies.documentOf(agent).document;
      // A bundle of somebody else's making may not say it: where a user's Rego misses the session, its `deny` is silent.
      const needsSession = needs.session || needs.rego.length > 0;
      // Policies that need no store can still say no.
      if (identity.unsure && needsSession) throw identity.unsure;
      const recalled = await stage.recall(trail, {
        agent,
        session,
        call,
        ...attested,
        attestationRequired: trust.required,
        observersKnown: trust.keys.length > 0,
        needsSession,
        learningMs: options.sessions.learningMs,
        store: deps.store,
      });
      // Without a word on the session, a policy could take it for one that nothing is known against.
      if (recalled.observed === undefined) throw new TypeError("it is not known what the session did");
      trail.recalled = recalled;
      if (recalled.refusal) throw recalled.refusal;
      const { override } = attested;
      const vouched = { ...identity, facts: vouchedFacts(identity, recalled) };
      const asked = { identity: vouched, session, observed: recalled.observed, call, override, nowMs };
      return { value: await stage.evaluate(trail, { ...asked, policies, engine: deps.engine, rego: deps.rego }) };
    } catch (failure) {
      return failed(trail, failure);
    }
  }

  async function settled(understood: Understood, trail: Trail, evaluation: Evaluation): Promise<Attempt<Settlement>> {
    try {
      const { request, identity, session, call, attested } = understood;
      // Whom people are asked for, and what they answered, is not settled on old knowledge of who was disabled.
      const plain = evaluation.enforced.verdict !== "approval_needed" && attested.override === null;
      const goesOn = plain && deps.credentials.revocations.unheardMs() <= options.goesOnMs;
      if (identity.unsure && !goesOn) return { value: unsettled(identity.unsure, evaluation) };
      const settlement = await stage.settle(trail, {
        requestId: request.id,
        decisionId: trail.decisionId,
        // Of the few calls that people are asked about.
        approvalId: () => runtime.id(),
        identity,
        ...attested,
        ...evaluation,
        ...seenOf(trail, session, options.sessions),
        call,
        approval: trail.recalled?.approval ?? null,
        dryRun: options.dryRun,
        store: deps.store,
        approvals: deps.approvals,
        onObserved: () => {
          trail.observed = true;
        },
        approvalExpiresMs: options.approvalExpiresMs,
      });
      return { value: settlement };
    } catch (failure) {
      return failed(trail, failure);
    }
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
        { ...seenOf(trail, session, options.sessions), agent, key, store: deps.store },
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
  async function recorded(trail: Trail, mask: Masker, outcome: Outcome, traceId: string): Promise<Outcome> {
    const latencyUs = runtime.monotonicMicros() - trail.startedUs;
    try {
      const parts = recordParts(trail, outcome, { nowMs: runtime.now(), latencyUs, traceId, mask });
      await stage.record(trail, parts, deps.audit);
      return outcome;
    } catch (error) {
      trail.failures.push(error);
      return enforceable(refused(error));
    }
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
    const begun = { decisionId: runtime.id(), startedUs: runtime.monotonicMicros(), failures: [], slow: [] };
    let trail: Trail = { ...begun, workspace: deps.workspace() };
    const span = deps.telemetry.start(check);
    let outcome = undecided;
    try {
      const question = { check, described, override: null };
      outcome = await findOut(question, trail);
      const waiting = held(trail, outcome, cancelled);
      const override = waiting && (await waiting);
      if (override !== null) {
        // Files, limits and credentials may have changed while the call waited: what holds now decides.
        trail = { ...begun, workspace: deps.workspace(), ...(trail.opened && { opened: trail.opened }) };
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
    outcome = await recorded(trail, mask, outcome, span.traceId);
    const shown = shownOf(trail, mask);
    const response = answered(trail, shown, outcome);
    span.end(factsOf(trail, shown, outcome, runtime.monotonicMicros() - trail.startedUs));
    return response;
  };
}

/** What each decision begins as; only an explicit answer changes it. One for all calls, since making an error takes long. */
const undecided = refused(new Refusal("internal_error", "the authorizer failed"));

/** Without the store a denial stays one, and nothing that is enforced passes. */
function unsettled(unsure: Refusal, { enforced }: Evaluation): Settlement {
  if (enforced.verdict !== "deny") throw unsure;
  return { enforced: { outcome: "ok" }, shadow: { outcome: "ok" }, trouble: unsure };
}

/** Whom it did not answer a moment ago it will not answer now, and the agent would wait twice. */
function isStoreAway(failure: unknown): boolean {
  return failure instanceof Refusal && failure.reason === "store_unavailable";
}

function bringing(override: string | null, request: HttpRequest): HttpRequest {
  if (override === null) return request;
  const others = request.headers.filter(({ name }) => name !== overrideHeader);
  return { ...request, headers: [...others, { name: overrideHeader, value: override }] };
}

function failed(trail: Trail, failure: unknown): { failure: unknown } {
  if (!trail.failures.includes(failure)) trail.failures.push(failure);
  return { failure };
}
