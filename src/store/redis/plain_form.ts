import { agentToolsMs, type Charge, idempotencyMs, type Observation, type SettleRequest } from "../store.js";
import { keptMs, stepOf } from "./session_codec.js";

/** What `plain-6.lua` is told of a call that is the same for many: its first two arguments. */
export interface PlainTerms {
  readonly plain: string;
  readonly below: string;
}

/**
 * True for a call that the short way can be asked for: it knows of no approval, no shadow, no rate of a tool, no budget of a
 * session, and nothing that is to be held against the call.
 */
export function isPlain({ agent, enforced, shadow, known, approval, observation }: SettleRequest): boolean {
  if (approval.kind !== "none" || shadow || !observation || enforced.toolRate || enforced.sessionBudget) return false;
  if (known && known.sessionKeptUntilMs !== 0) return false;
  return isUneventful(observation, agent);
}

/** The open session of an agent keeps apart what calls of no session are blamed for. */
function isUneventful(seen: Observation, agent: string): boolean {
  return (
    seen.outcome === "passed" &&
    seen.tool !== null &&
    seen.outside === null &&
    seen.tags.length === 0 &&
    seen.indicators.length === 0 &&
    (seen.classification.length === 0 || seen.session !== `open:${agent}`)
  );
}

export function plainTerms({ rate, budget }: Charge, seen: Observation): PlainTerms {
  const { classification, ttlMs, learningMs, burst } = seen;
  const stepMs = stepOf(ttlMs);
  return {
    plain: JSON.stringify([
      rate ? rate.intervalUs : 0,
      rate ? rate.burst : 0,
      budget ? budget.limitMicro : -1,
      budget ? budget.costMicro : 0,
      // Numbers that go into commands as they are.
      String(idempotencyMs),
      String(agentToolsMs + learningMs + stepMs),
      seen.tool,
      JSON.stringify(seen.known),
      String(keptMs(ttlMs)),
      classification.length === 0 ? 0 : classification.map((name) => `c:${name}`),
      stepMs,
    ]),
    below: JSON.stringify([seen.detail, burst.refusals, burst.withinMs, learningMs]),
  };
}
