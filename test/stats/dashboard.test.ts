import { countedOf } from "../../src/stats/counted.js";
import { dashboard } from "../../src/stats/dashboard.js";
import { StatsWindow } from "../../src/stats/window.js";
import { decisionRecord } from "./records.js";

const now = Date.parse("2026-03-01T12:00:40.000Z");

function view(list: () => Promise<never>) {
  const window = new StatsWindow(() => now);
  window.count(countedOf(decisionRecord()));
  return dashboard({
    window,
    sinceMs: () => now,
    startedMs: now,
    approvals: { list },
    usage: () => new Promise(() => {}),
    limitsOf: () => ({ enforced: { daily_budget_micro: 1_000_000 } }),
    withinMs: 20,
    now: () => now,
    monotonicMs: () => 0,
  })("1h");
}

test.each<[string, () => Promise<never>]>([
  ["answers never", () => new Promise(() => {})],
  ["fails", () => Promise.reject(new Error("the store is away"))],
])("a store that %s holds up no numbers, and its own are not known", async (_, list) => {
  const { totals, approvals, budgets, budgets_unknown: unknown } = await view(list);
  expect([totals.decisions, approvals, budgets, unknown]).toEqual([1, null, [], 1]);
});
