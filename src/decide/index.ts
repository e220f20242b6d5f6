import type { Answer, LimitStanding, Outcome, View } from "../outcome.js";
import type { LimitSet } from "../policies/document.js";
import { Refusal } from "../refusal.js";
import type { Counters, LimitOutcome } from "../store/store.js";
import { letsThrough, type Mode } from "../verdict.js";
import { refusalBy, standingsOf } from "./limits.js";

/** A stage's result, or why there is none. */
export type Attempt<T> = { value: T } | { failure: unknown };

export interface DecideParts {
  /** `redeems`: the call passes only because of the approval it brought. */
  evaluation: Attempt<{ computed: View; enforced: View & { redeems: boolean } }>;
  settlement: Attempt<{
    enforced: LimitOutcome;
    shadow: LimitOutcome;
    opened?: { id: string; expiresAtMs: number };
    redeemed?: { id: string };
    counters?: Counters | null;
  }>;
  /** Of the call; `null` when no entry of the catalogue matches it. */
  tool: string | null;
  /** Of the agent's policies. */
  limits: { enforced?: LimitSet; shadow?: LimitSet };
  mode: Mode;
  failureMode: Mode;
  /** A dry run enforces nothing and opens nothing. */
  dryRun: boolean;
}

/** Stage decide: puts evaluation and settlement together. Whatever is not an explicit allow is a denial. */
export function decide(parts: DecideParts): Outcome {
  const { evaluation, settlement, tool, limits, mode, failureMode, dryRun } = parts;
  for (const attempt of [evaluation, settlement]) {
    if ("failure" in attempt) {
      const computed = denialOf(attempt.failure);
      const mode = dryRun ? "shadow" : failureMode;
      return { computed, enforced: mode === "shadow" ? passing : computed, mode };
    }
  }
  if (!("value" in evaluation && "value" in settlement)) throw new Error("an attempt without value or failure");

  const { opened, redeemed, enforced: limit, shadow, counters } = settlement.value;
  const limited = withLimit(answerOf(evaluation.value.computed), limit, limits.enforced, tool);
  const computed = withLimit(limited, shadow, limits.shadow ?? limits.enforced, tool);
  if (dryRun) return { computed, enforced: passing, mode: "shadow" };
  const permitted = withLimit(answerOf(evaluation.value.enforced), limit, limits.enforced, tool);
  const standings = counters && limits.enforced ? standingsOf(counters, limits.enforced, tool) : [];
  const enforced = withStandings(withApproval(permitted, opened), standings);
  // An approval that was not used up would let a second call through.
  if (letsThrough(enforced.verdict) && evaluation.value.enforced.redeems && !redeemed) {
    throw new Error("the call passes by an approval, and none was redeemed");
  }
  // Where both say the same, the reasons are those that were acted upon; what else is broken in shadow is in the result.
  if (computed.verdict === enforced.verdict) return { computed: enforced, enforced, mode };
  return { computed, enforced, mode: "shadow" };
}

/** The answer to a call that a stage refused, or in which a stage failed. */
export function denialOf(error: unknown): Answer {
  const refusal = error instanceof Refusal ? error : new Refusal("internal_error", "the authorizer failed");
  return {
    verdict: "deny",
    reason: refusal.reason,
    detail: refusal.detail,
    violations: refusal.violations,
    sanitize: [],
    ...(refusal.limit && { limit: refusal.limit }),
  };
}

/** A refusal that holds in every mode: of identity, of reading, of recording. */
export function refused(error: unknown): Outcome {
  const denial = denialOf(error);
  return { computed: denial, enforced: denial, mode: "enforce" };
}

/** The same finding in a dry run, which enforces nothing at all. */
export function unenforced({ computed }: Outcome): Outcome {
  return { computed, enforced: passing, mode: "shadow" };
}

const passing: Answer = { verdict: "allow", reason: "allowed", detail: "", violations: [], sanitize: [] };

function answerOf({ verdict, reason, violations, sanitize }: View): Answer {
  return { verdict, reason, detail: violations[0]?.message ?? "", violations, sanitize };
}

function withLimit(answer: Answer, outcome: LimitOutcome, limits: LimitSet = {}, tool: string | null = null): Answer {
  if (answer.verdict === "deny" || outcome.outcome === "ok") return answer;
  const { reason, message, limit } = refusalBy(outcome, limits, tool);
  const violations = [{ rule: reason, message }];
  return { verdict: "deny", reason, detail: message, violations, sanitize: [], limit };
}

function withStandings(answer: Answer, standings: readonly LimitStanding[]): Answer {
  if (!letsThrough(answer.verdict) || standings.length === 0) return answer;
  // Standing first: behind what is spread it would give each answer a hidden class of its own, for good.
  return { standings, ...answer };
}

/** An approval that was not opened cannot be waited for: without one the answer is a denial. */
function withApproval(answer: Answer, opened: { id: string; expiresAtMs: number } | undefined): Answer {
  if (answer.verdict !== "approval_needed") return answer;
  if (!opened) throw new Error("an approval is needed and none was opened");
  return { ...answer, approval: { id: opened.id, expiresAtMs: opened.expiresAtMs } };
}
