import type { Call, Identity, Override, Session } from "../call.js";
import type { AgentDocument } from "../policies/document.js";
import type { Applied } from "../policies/policy_set.js";
import { Refusal } from "../refusal.js";
import { type Costs, costsOf } from "./cost.js";
import { type InputParts, inputDocument, overrideHeader } from "./input.js";
import { type Judgement, type Judges, judge } from "./judge.js";

export type { PolicyView } from "./judge.js";

export interface Evaluation extends Omit<Judgement, "costs" | "applied"> {
  policyVersion: string;
  limits: AgentDocument["limits"];
  /** What the call takes from a budget, in integer micro-units. */
  costMicro: Costs;
  removes: Applied["removes"];
}

export interface EvaluateParts extends Judges {
  identity: Identity;
  call: Call;
  session: Session;
  observed: InputParts["observed"];
  override: Override | null;
  nowMs: number;
}

/**
 * Stage evaluate: what do the policies say? Throws `evaluation_failed` for anything but a well-formed answer. There is a
 * promise only where the user's Rego is asked: the others would wait for nothing.
 */
export function evaluate(parts: EvaluateParts): Evaluation | Promise<Evaluation> {
  const { identity, call } = parts;
  try {
    // Other credentials are the tool's, and reach it: what must not leave must not leave there either.
    const isCredential = (header: string): boolean => header === identity.credentialHeader || header === overrideHeader;
    const judged = judge({ input: inputDocument(parts), call, isCredential }, parts);
    if (judged instanceof Promise) return judged.then((judgement) => evaluationOf(judgement, parts)).catch(failed);
    return evaluationOf(judged, parts);
  } catch (error) {
    return failed(error);
  }
}

function evaluationOf(judgement: Judgement, { policies, call }: EvaluateParts): Evaluation {
  const { input, result, computed, enforced, tags, scanned, costs, applied } = judgement;
  return {
    input,
    result,
    computed,
    enforced,
    tags,
    scanned,
    policyVersion: policies.version,
    limits: applied.document.limits,
    costMicro: costsOf(costs, call.params, call.costMicro),
    removes: applied.removes,
  };
}

function failed(cause: unknown): never {
  throw new Refusal("evaluation_failed", "the policy could not be evaluated", { cause });
}
