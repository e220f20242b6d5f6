import { budgetsOf } from "../../src/stats/budgets.js";
import type { UsageView } from "../../src/usage/usage.js";

const limitsOf = (agent: string) => (agent === "free" ? {} : { enforced: { daily_budget_micro: 100_000_000 } });
const view = (agent_id: string, used: number): UsageView => ({
  agent_id,
  session_id: null,
  at: "2026-03-01T12:00:00.000Z",
  enforced: {
    daily_budget: {
      limit: 100,
      used,
      left: 100 - used,
      burn_per_hour: 5,
      exhausted_at: null,
      resets_at: "2026-03-02T00:00:00.000Z",
    },
  },
  shadow: null,
  approvals: { pending: 0, most: 3 },
});

test("the most used first, with what will be used by the end of the day; agents without a budget are not asked about", async () => {
  const usage = async (agent: string) => view(agent, agent === "a" ? 20 : 40);
  const { budgets, unknown, left } = await budgetsOf(["a", "free", "b"], { usage, limitsOf, withinMs: 60_000 });
  expect(budgets.map(({ agent_id, share, projected_share }) => [agent_id, share, projected_share])).toEqual([
    ["b", 0.4, 1],
    ["a", 0.2, 0.8],
  ]);
  expect([unknown, left]).toEqual([0, 0]);
});

test("what the store does not tell is unknown and never unused; the rest is shown", async () => {
  const usage = (agent: string) => {
    if (agent === "broken") return Promise.reject(new Error("away"));
    return agent === "slow" ? new Promise<never>(() => {}) : Promise.resolve(view(agent, 1));
  };
  const found = await budgetsOf(["slow", "broken", "a"], { usage, limitsOf, withinMs: 50 });
  expect(found).toMatchObject({ budgets: [{ agent_id: "a" }], unknown: 2, left: 0 });
});

test("of many agents a bounded number is asked about, and few are shown", async () => {
  const asked: string[] = [];
  const usage = async (agent: string) => {
    asked.push(agent);
    return view(agent, 1);
  };
  const agents = Array.from({ length: 150 }, (_, i) => `agent-${i}`);
  const { budgets, left } = await budgetsOf(agents, { usage, limitsOf, withinMs: 60_000 });
  expect([asked.length, budgets.length, left]).toEqual([100, 20, 50]);
});
