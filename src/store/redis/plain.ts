import { withUnbound } from "../sessions.js";
import { agentToolsMs, idempotencyMs, type Observation, type SettleRequest } from "../store.js";
import { listIn, UnreadableReply, writtenTextsIn } from "./forms.js";
import type { parseSettle } from "./replies.js";
import { decodeSession } from "./session_codec.js";

/**
 * What `plain.lua` is asked of a call; `null` for one that is nothing for it: it knows of no approval, no shadow, no rate of
 * a tool, no budget of a session, and nothing that is to be held against the call.
 */
export function plainForm({ agent, enforced, shadow, known, approval, observation }: SettleRequest): string | null {
  if (approval.kind !== "none" || shadow || !observation || enforced.toolRate || enforced.sessionBudget) return null;
  if (known && known.sessionKeptUntilMs !== 0) return null;
  if (!isUneventful(observation, agent)) return null;
  const { rate, budget } = enforced;
  const { ttlMs, learningMs, classification, burst } = observation;
  return JSON.stringify([
    rate ? rate.intervalUs : 0,
    rate ? rate.burst : 0,
    budget ? budget.limitMicro : -1,
    budget ? budget.costMicro : 0,
    // Numbers that go into commands as they are.
    String(idempotencyMs),
    String(agentToolsMs + learningMs),
    observation.tool,
    JSON.stringify(observation.known),
    String(ttlMs),
    classification.length === 0 ? 0 : classification.map((name) => `c:${name}`),
    known ? known.charges : -1,
    known?.tatUs ?? 0,
    known ? known.day : 0,
    known ? known.spentMicro : 0,
    known ? known.keptUntilMs : 0,
    known?.lostAtMs ?? 0,
    observation.detail,
    burst.refusals,
    burst.withinMs,
    learningMs,
  ]);
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

/** What plain.lua says. Throws on anything unexpected. */
export function parsePlain(reply: string, sessionId: string): ReturnType<typeof parseSettle> {
  const [now, n, tat, day, spent, until, lost, session, unbound] = listIn(JSON.parse(reply), 9);
  const nowMs = countIn(now);
  const own = decodeSession(writtenTextsIn(session));
  return {
    replayed: false,
    session: withUnbound(sessionId, own, unbound === false ? null : decodeSession(writtenTextsIn(unbound))),
    own,
    nowMs,
    enforced: { outcome: "ok" },
    shadow: null,
    counters: {
      nowMs,
      charges: countIn(n),
      tatUs: tat === null ? null : countIn(tat),
      toolTatUs: null,
      day: countIn(day),
      spentMicro: countIn(spent),
      sessionSpentMicro: 0,
      keptUntilMs: countIn(until),
      sessionKeptUntilMs: 0,
      lostAtMs: lost === null ? null : countIn(lost),
    },
    warnings: [],
    approval: { outcome: "none" },
    createdAtMs: null,
  };
}

function countIn(value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new UnreadableReply("the store was to give a number");
}
