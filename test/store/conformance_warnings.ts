import fc from "fast-check";
import type { Charge } from "../../src/store/store.js";
import { newsOf, untold } from "../../src/store/warnings.js";
import { runsWithin } from "../harness/property.js";
import { callOf, type Subject, unique } from "./subject.js";

const dayMs = 86_400_000;
const kinds = ["daily_budget", "session_budget"] as const;

/** What is told of budgets, in enforcement and in shadow. */
export function warningsConformance(subject: () => Subject, runs: number): void {
  const charge = (kind: (typeof kinds)[number], limitMicro: number, costMicro: number): Charge =>
    kind === "daily_budget"
      ? { budget: { limitMicro, costMicro } }
      : { sessionBudget: { limitMicro, costMicro, session: "s", ttlMs: 2 * dayMs } };
  const warnings = async (agent: string, enforced: Charge, shadow: Charge = {}) =>
    (await subject().store.settle(callOf(agent, enforced, { shadow }))).warnings;

  test.each(kinds)("%s: one call that is too dear is told once, and switches off nothing", async (limit) => {
    const agent = unique("agent");
    await subject().startOfDay();
    const said = { limit, mode: "enforce", limitMicro: 100 };
    const call = (cost: number) => warnings(agent, charge(limit, 100, cost));
    expect(await call(1_000)).toEqual([{ ...said, percent: 100, refused: true, spentMicro: 0 }]);
    expect(await call(1_000)).toEqual([]);
    expect(await call(80)).toEqual([{ ...said, percent: 80, refused: false, spentMicro: 80 }]);
    expect(await call(30)).toEqual([]);
    expect(await call(20)).toEqual([{ ...said, percent: 100, refused: false, spentMicro: 100 }]);
    expect(await call(1)).toEqual([]);
  });

  test.each(kinds)("%s: a raised limit tells anew, and two limits in turn do not go on telling", async (limit) => {
    const agent = unique("agent");
    await subject().startOfDay();
    const call = async (most: number, cost: number) =>
      (await warnings(agent, charge(limit, most, cost))).map(({ percent, refused, limitMicro }) => [
        percent,
        refused,
        limitMicro,
      ]);
    expect(await call(100, 100)).toEqual([[100, false, 100]]);
    expect(await call(100, 1)).toEqual([[100, true, 100]]);
    expect(await call(1000, 1)).toEqual([]);
    expect(await call(1000, 700)).toEqual([[80, false, 1000]]);
    expect(await call(100, 1)).toEqual([
      [100, false, 100],
      [100, true, 100],
    ]);
    for (let n = 0; n < 3; n++) {
      expect(await call(1000, 1)).toEqual([]);
      expect(await call(100, 1)).toEqual([]);
    }
  });

  test("of 50 calls at once that are refused one is told, and a new day begins anew", async () => {
    const agent = unique("agent");
    await subject().startOfDay();
    const refused = () => Promise.all(Array.from({ length: 50 }, () => warnings(agent, charge("daily_budget", 5, 6))));
    expect((await refused()).flat()).toMatchObject([{ percent: 100, refused: true, spentMicro: 0 }]);
    await subject().advance(agent, dayMs);
    expect((await refused()).flat()).toHaveLength(1);
  });

  test("random calls are told of as the pure function says", async () => {
    const step = fc.record({
      limit: fc.constantFrom(0, 5, 10, 20, Number.MAX_SAFE_INTEGER),
      cost: fc.integer({ min: 1, max: 8 }),
    });
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 15 }),
      fc.constantFrom(...kinds),
      fc.boolean(),
      runsWithin(10_000, async (steps, kind, shadow) => {
        await subject().startOfDay();
        const agent = unique("agent");
        let [told, spentMicro] = [untold, 0];
        for (const { limit, cost } of steps) {
          const one = charge(kind, limit, cost);
          const given = await (shadow ? warnings(agent, {}, one) : warnings(agent, one));
          const refused = spentMicro + cost > limit;
          if (!refused) spentMicro += cost;
          const found = newsOf(told, { spentMicro, limitMicro: limit, refused });
          told = found?.told ?? told;
          const said = { limit: kind, mode: shadow ? "shadow" : "enforce", spentMicro, limitMicro: limit };
          expect(given).toEqual((found?.news ?? []).map((news) => ({ ...said, ...news })));
        }
      }),
    );
    await fc.assert(property, { numRuns: runs });
  });
}
