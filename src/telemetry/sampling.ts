import { letsThrough, type Verdict } from "../verdict.js";

const digits = 13;
const span = 2 ** (4 * digits);

/**
 * True when the span of a decision is kept. Of calls that pass, a share of 0 to 1 is, chosen by the end of the trace id, which
 * is its random part (W3C Trace Context level 2), so that all processes choose alike. What was or would have been stopped,
 * and what failed inside, always is.
 */
export function isKept(
  decision: { traceId: string; computed: Verdict; enforced: Verdict; fault: boolean },
  share: number,
): boolean {
  const { traceId, computed, enforced, fault } = decision;
  if (share >= 1 || fault || !letsThrough(computed) || !letsThrough(enforced)) return true;
  return Number.parseInt(traceId.slice(-digits), 16) / span < share;
}
