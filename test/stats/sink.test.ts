import type { DecisionRecord } from "../../src/audit/record.js";
import { counting } from "../../src/stats/sink.js";
import { StatsWindow } from "../../src/stats/window.js";
import { decisionRecord } from "./records.js";

const nowMs = Date.parse("2026-03-01T12:00:40Z");
let window: StatsWindow;
let troubles: unknown[];
beforeEach(() => {
  window = new StatsWindow(() => nowMs);
  troubles = [];
});
const count = (record: DecisionRecord) => counting(window, (error) => troubles.push(error))(record);
const calls = () => window.see(1, 60).agents.reduce((sum, one) => sum + one.calls, 0);

test("counts decisions", () => {
  count(decisionRecord());
  expect(calls()).toBe(1);
});

test("what cannot be counted is told of, and nothing more", () => {
  const opa_decision = { result: { enforced: 7 } } as never;
  count(decisionRecord({ decision: "deny", enforced: "deny", opa_decision }));
  expect([calls(), troubles.length]).toEqual([0, 1]);
});
