import type { Effective } from "./sessions.js";
import type { Observation, SettleResult } from "./store.js";

/**
 * What becomes of an observed call once limits and approvals have been settled: what they refuse is a refusal with their
 * code. `settle-11.lua` says the same.
 */
export function becomes(
  { outcome, refusal }: Pick<Observation, "outcome" | "refusal">,
  { enforced, approval }: Pick<SettleResult, "enforced" | "approval">,
): Pick<Effective, "outcome" | "refusal"> {
  if (outcome === "refused") return { outcome, refusal };
  if (enforced.outcome !== "ok") return { outcome: "refused", refusal: enforced.outcome };
  if (approval.outcome === "exceeded") return { outcome: "refused", refusal: "approvals_exceeded" };
  if (approval.outcome === "refused") return { outcome: "refused", refusal: refusalOf[approval.why] };
  return { outcome, refusal: null };
}

const refusalOf: Record<Extract<SettleResult["approval"], { outcome: "refused" }>["why"], string> = {
  not_found: "override_invalid",
  mismatch: "override_invalid",
  not_approved: "override_invalid",
  expired: "override_expired",
  consumed: "override_used",
};
