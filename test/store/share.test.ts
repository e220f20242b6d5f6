import fc from "fast-check";
import { isCountable } from "../../src/store/check.js";
import { maxHorizonUs } from "../../src/store/gcra.js";
import { shareOf } from "../../src/store/share.js";
import type { KnownCounters } from "../../src/store/store.js";

const dayMs = 86_400_000;
const nowMs = Date.UTC(2030, 0, 1, 12);
const day = Math.floor(nowMs / dayMs);
const known = (more: Partial<KnownCounters>): KnownCounters => ({
  charges: 1,
  tatUs: null,
  day,
  spentMicro: 0,
  keptUntilMs: nowMs + dayMs,
  sessionSpentMicro: 0,
  sessionKeptUntilMs: nowMs + dayMs,
  lostAtMs: null,
  sessionLostAtMs: null,
  ...more,
});

test.each([
  [{ intervalUs: 200_000, burst: 10 }, 0.2, { intervalUs: 1_000_000, burst: 2 }],
  [{ intervalUs: 200_000, burst: 10 }, 1, { intervalUs: 200_000, burst: 10 }],
  [{ intervalUs: 1_000_000, burst: 4 }, 0.2, { intervalUs: 5_000_000, burst: 1 }],
  [{ intervalUs: 10, burst: 7 }, 0.3, { intervalUs: 34, burst: 2 }],
])("of the rate %j a share of %d is %j", (rate, fraction, share) => {
  expect(shareOf({ rate }, fraction, nowMs, null)).toEqual({ rate: share });
  expect(shareOf({ toolRate: { ...rate, tool: "t" } }, fraction, nowMs, null)).toEqual({
    toolRate: { ...share, tool: "t" },
  });
});

test("a share of a rate that can be counted can be counted, and is no faster and no larger than its share", () => {
  const rate = fc
    .tuple(fc.integer({ min: 1, max: maxHorizonUs }), fc.integer({ min: 1, max: 1_000_000 }))
    .map(([horizonUs, burst]) => ({ intervalUs: Math.max(1, Math.floor(horizonUs / burst)), burst }))
    .filter(isCountable);
  fc.assert(
    fc.property(rate, fc.double({ min: 1e-6, max: 1, noNaN: true }), (whole, fraction) => {
      const { rate: share } = shareOf({ rate: whole }, fraction, nowMs, null);
      if (!share) throw new Error("the rate is gone");
      expect(isCountable(share)).toBe(true);
      expect(share.burst).toBeLessThanOrEqual(Math.max(1, whole.burst * fraction));
      const wantedUs = whole.intervalUs / fraction;
      expect(share.intervalUs).toBeGreaterThanOrEqual(Math.min(wantedUs, Math.floor(maxHorizonUs / share.burst)));
    }),
  );
});

test.each([
  ["nothing known", null, 20, 10],
  ["less left than the share", known({ spentMicro: 90, sessionSpentMicro: 45 }), 10, 5],
  ["nothing left", known({ spentMicro: 101, sessionSpentMicro: 60 }), 0, 0],
  ["much left", known({ spentMicro: 1, sessionSpentMicro: 1 }), 20, 10],
  ["what was spent yesterday", known({ day: day - 1, spentMicro: 100, sessionSpentMicro: 50 }), 20, 0],
  ["a session that is forgotten", known({ spentMicro: 95, sessionSpentMicro: 50, sessionKeptUntilMs: nowMs }), 5, 10],
])("of budgets, with %s", (_, counters, daily, session) => {
  const charge = {
    budget: { limitMicro: 100, costMicro: 3 },
    sessionBudget: { limitMicro: 50, costMicro: 3, session: "s", ttlMs: 1000 },
  };
  expect(shareOf(charge, 0.2, nowMs, counters)).toEqual({
    budget: { limitMicro: daily, costMicro: 3 },
    sessionBudget: { limitMicro: session, costMicro: 3, session: "s", ttlMs: 1000 },
  });
});

test("parts of a unit round down, and what is not limited stays so", () => {
  expect(shareOf({ budget: { limitMicro: 9, costMicro: 1 } }, 0.2, nowMs, null).budget?.limitMicro).toBe(1);
  expect(shareOf({ budget: { limitMicro: 4, costMicro: 1 } }, 0.2, nowMs, null).budget?.limitMicro).toBe(0);
  expect(shareOf({}, 0.2, nowMs, null)).toEqual({});
});
