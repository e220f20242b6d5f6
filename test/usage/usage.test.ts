import type { LimitSet } from "../../src/policies/document.js";
import { memoryStore } from "../../src/store/memory.js";
import type { Charge } from "../../src/store/store.js";
import { usageOf } from "../../src/usage/usage.js";
import { callOf } from "../store/subject.js";

const startMs = Date.parse("2026-03-01T12:00:00Z");
const limits: LimitSet = {
  rate: { interval_us: 1_000_000, burst: 5 },
  tools: { "deploy-api": { interval_us: 60_000_000, burst: 2 }, ["__proto__"]: { interval_us: 1_000_000, burst: 1 } },
  daily_budget_micro: 100_000_000,
  session_budget_micro: 10_000_000,
};
const charge: Charge = {
  rate: { intervalUs: 1_000_000, burst: 5 },
  toolRate: { intervalUs: 60_000_000, burst: 2, tool: "deploy-api" },
  budget: { limitMicro: 100_000_000, costMicro: 4_500_000 },
  sessionBudget: { session: "s-1", limitMicro: 10_000_000, costMicro: 4_500_000, ttlMs: 3_600_000 },
};

function here(limitsOf: { enforced?: LimitSet; shadow?: LimitSet } = { enforced: limits }) {
  let nowMs = startMs;
  const store = memoryStore({ now: () => nowMs } as never);
  const deps = { store, limitsOf: () => limitsOf, maxPending: 7 };
  return { store, deps, pass: (ms: number) => (nowMs += ms) };
}

test("shows what is used and left of each limit, how fast it goes, and when nothing will be left", async () => {
  const { store, deps } = here();
  for (let n = 0; n < 2; n++) await store.settle(callOf("a", charge));
  const { enforced, ...rest } = await usageOf(deps, "a", "s-1");
  expect(rest).toEqual({
    agent_id: "a",
    session_id: "s-1",
    at: "2026-03-01T12:00:00.000Z",
    shadow: null,
    approvals: { pending: 0, most: 7 },
  });
  expect(enforced).toEqual({
    rate: { burst: 5, interval_s: 1, used: 2, left: 3, free_at: "2026-03-01T12:00:02.000Z" },
    tools: {
      "deploy-api": { burst: 2, interval_s: 60, used: 2, left: 0, free_at: "2026-03-01T12:02:00.000Z" },
      ["__proto__"]: { burst: 1, interval_s: 1, used: 0, left: 1, free_at: "2026-03-01T12:00:00.000Z" },
    },
    daily_budget: {
      limit: 100,
      used: 9,
      left: 91,
      burn_per_hour: 9,
      exhausted_at: "2026-03-01T22:06:40.000Z",
      resets_at: "2026-03-02T00:00:00.000Z",
    },
    session_budget: { limit: 10, used: 9, left: 1 },
  });
});

test("without a session there is no session's budget, and without limits nothing", async () => {
  const { deps } = here();
  expect((await usageOf(deps, "a", null)).enforced).not.toHaveProperty("session_budget");
  expect((await usageOf(here({}).deps, "a", "s-1")).enforced).toBeNull();
  const shadow = (await usageOf(here({ shadow: limits }).deps, "a", "s-1")).shadow;
  expect(shadow?.daily_budget).toMatchObject({ used: 0, burn_per_hour: 0, exhausted_at: null });
});

test("a limit that was lowered leaves nothing, and is exhausted now", async () => {
  const { store, deps } = here({ enforced: { daily_budget_micro: 1_000_000, rate: { interval_us: 1_000, burst: 1 } } });
  await store.settle(callOf("a", charge));
  expect((await usageOf(deps, "a", null)).enforced).toMatchObject({
    daily_budget: { limit: 1, used: 4.5, left: 0, exhausted_at: "2026-03-01T12:00:00.000Z" },
    rate: { burst: 1, used: 1, left: 0, free_at: "2026-03-01T12:00:00.001Z" },
  });
});

test("a new day begins with nothing used, and still knows how fast it went an hour ago", async () => {
  const { store, deps, pass } = here();
  pass(11.75 * 3_600_000);
  await store.settle(callOf("a", charge));
  pass(0.5 * 3_600_000);
  expect((await usageOf(deps, "a", null)).enforced?.daily_budget).toMatchObject({ used: 0, burn_per_hour: 3.375 });
});

test("unknown is never shown as unused", async () => {
  const { store, deps } = here();
  await store.close();
  await expect(usageOf(deps, "a", null)).rejects.toThrow("closed");
});
