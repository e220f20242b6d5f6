import type { Call, Identity, Json, Override, Session } from "../call.js";
import type { View } from "../outcome.js";
import type { AgentDocument } from "../policies/document.js";
import type { Applied, PolicySet } from "../policies/policy_set.js";
import type { Reason } from "../reasons.js";
import { Refusal } from "../refusal.js";
import { type Sanitize, type Verdict, verdicts } from "../verdict.js";
import type { Engine } from "./engine.js";
import { inputDocument } from "./input.js";
import { describe, type Finding } from "./messages.js";

/** One reading of the policies: with every rule, or without the rules in shadow. */
export interface PolicyView extends View {
  /** The call passes only because of the approval it brought, which has to be used up. */
  redeems: boolean;
}

export interface Evaluation {
  policyVersion: string;
  input: { [name: string]: Json };
  /** What the program answered, for the record. */
  result: Json;
  /** As if every rule were enforced. */
  computed: PolicyView;
  /** Without the rules in shadow. */
  enforced: PolicyView;
  limits: AgentDocument["limits"];
  removes: Applied["removes"];
}

export interface EvaluateParts {
  identity: Identity;
  call: Call;
  session: Session;
  override: Override | null;
  policies: PolicySet;
  engine: Engine;
  nowMs: number;
}

/** Stage evaluate: what do the policies say? Throws `evaluation_failed` for anything but a well-formed answer. */
export function evaluate(parts: EvaluateParts): Evaluation {
  const { id, document, removes } = parts.policies.documentOf(parts.identity.agent.id);
  const input = inputDocument(parts);
  const base = { policyVersion: parts.policies.version, input, limits: document.limits, removes };
  const view = (raw: unknown) => viewOf(raw, parts.call.tool === null);
  try {
    const result = parts.engine.run(id, document, input) as { decision: unknown; enforced: unknown };
    return { ...base, result: result as Json, computed: view(result.decision), enforced: view(result.enforced) };
  } catch (error) {
    throw new Refusal("evaluation_failed", "the policy could not be evaluated", { cause: error });
  }
}

function viewOf(raw: unknown, unmatched: boolean): PolicyView {
  const view = raw as {
    verdict?: unknown;
    reason?: unknown;
    violations?: unknown;
    sanitize?: unknown;
    redeems?: unknown;
  };
  if (
    !verdicts.includes(view?.verdict as Verdict) ||
    typeof view.reason !== "string" ||
    !Array.isArray(view.violations) ||
    !Array.isArray(view.sanitize) ||
    typeof view.redeems !== "boolean"
  ) {
    throw new TypeError("the policy program answered in an unknown form");
  }
  return {
    verdict: view.verdict as Verdict,
    reason: unmatched && view.verdict === "allow" ? "unmatched_passthrough" : (view.reason as Reason),
    violations: (view.violations as Finding[]).map(describe),
    sanitize: view.sanitize as Sanitize[],
    redeems: view.redeems,
  };
}
