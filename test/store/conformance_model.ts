import fc from "fast-check";
import { type LimitStates, spentToday, unspent, unused, weigh } from "../../src/store/limits.js";
import type { Charge, LimitOutcome } from "../../src/store/store.js";
import { runsWithin } from "../harness/property.js";
import { callOf, type Subject, unique } from "./subject.js";

const dayMs = 86_400_000;
const stepUs = 1_000_000_000;
const session = "session-1";

const rate = fc.record({
  intervalUs: fc.integer({ min: 1, max: 4 }).map((n) => n * stepUs),
  burst: fc.integer({ min: 1, max: 4 }),
});
const budget = fc.record({ limitMicro: fc.integer({ min: 0, max: 20 }), costMicro: fc.integer({ min: 0, max: 9 }) });
const charge: fc.Arbitrary<Charge> = fc.record(
  {
    rate,
    toolRate: fc.tuple(rate, fc.constantFrom("deploy-api", "käse:☃")).map(([one, tool]) => ({ ...one, tool })),
    budget,
    sessionBudget: budget.map((one) => ({ ...one, session, ttlMs: 5_000_000 })),
  },
  { requiredKeys: [] },
);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("call" as const), enforced: charge, shadow: charge }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 3 }).map((n) => n * 1e6) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constant(dayMs) }) },
);

/** Random calls against the pure algorithms, which are the oracle for every store. */
export function modelConformance(subject: () => Subject, runs: number): void {
  const plain = (outcome: LimitOutcome | null) => outcome && { ...outcome, retryAfterMs: undefined };

  test("random calls end as the pure algorithms say", async () => {
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 20 }),
      runsWithin(10_000, async (steps) => {
        await subject().startOfDay();
        const agent = unique("agent");
        let nowMs = 1_900_000_000_000;
        nowMs -= nowMs % dayMs;
        const states: Record<"enforced" | "shadow", LimitStates> = {
          enforced: { limits: unused, session: unspent },
          shadow: { limits: unused, session: unspent },
        };
        for (const next of steps) {
          if (next.do === "pass") {
            await subject().advance(agent, next.ms);
            nowMs += next.ms;
            continue;
          }
          const result = await subject().store.settle(callOf(agent, next.enforced, { shadow: next.shadow }));
          const known = { ...states };
          for (const set of ["enforced", "shadow"] as const) {
            const before = remembered(nowMs, known[set], known);
            const wanted = weigh(nowMs * 1000, before, next[set]);
            const outcome = result[set];
            expect(plain(outcome)).toEqual(plain(wanted.outcome));
            if (wanted.outcome.outcome === "rate_exceeded" && outcome?.outcome === "rate_exceeded") {
              expect(outcome.retryAfterMs).toBeLessThanOrEqual(wanted.outcome.retryAfterMs);
              expect(outcome.retryAfterMs).toBeGreaterThanOrEqual(wanted.outcome.retryAfterMs - subject().driftMs());
            }
            states[set] = wanted.next ?? before;
          }
          const { limits, session: spending } = states.enforced;
          expect(result.counters).toMatchObject({
            spentMicro: spentToday(nowMs, limits.budget).spentMicro,
            ...(next.enforced.sessionBudget && { sessionSpentMicro: spending.spentMicro }),
          });
        }
      }),
    );
    await fc.assert(property, { numRuns: runs });
  });
}

/** What a store still knows by now: what would not change anything any more is forgotten. */
function remembered(nowMs: number, { limits, session }: LimitStates, both: Record<string, LimitStates>): LimitStates {
  // Of a session both sets are remembered for equally long.
  const keptUntilMs = Math.max(...Object.values(both).map((one) => one.session.keptUntilMs));
  return {
    limits: limits.keptUntilMs > nowMs ? limits : unused,
    session: keptUntilMs > nowMs ? { ...session, keptUntilMs } : unspent,
  };
}
