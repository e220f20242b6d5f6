import { countedOf } from "../../src/stats/counted.js";
import { decisionRecord, judged } from "./records.js";

test("a call that passed broke no rule", () => {
  expect(countedOf(decisionRecord())).toEqual({
    atMs: Date.parse("2026-03-01T12:00:30Z"),
    count: 1,
    agent: "deploy-manager",
    decision: "allow",
    enforced: "allow",
    fate: "passed",
    rules: [],
    latencyUs: 400,
  });
});

test("a blocked call counts for the rules that are enforced, each once, and not for those in shadow", () => {
  const opa_decision = judged(
    { verdict: "deny", rules: ["max_jobs", "windows"] },
    { verdict: "deny", rules: ["max_jobs", "max_jobs"] },
  );
  const denied = { decision: "deny", enforced: "deny", reason: "max_jobs", opa_decision } as const;
  expect(countedOf(decisionRecord(denied))).toMatchObject({ fate: "blocked", rules: ["max_jobs"] });
});

test("one that was let through and would have been stopped counts for what would have stopped it", () => {
  const opa_decision = judged({ verdict: "approval_needed", rules: ["windows"] }, { verdict: "allow", rules: [] });
  const shadow = { decision: "approval_needed", mode: "shadow", reason: "windows", opa_decision } as const;
  expect(countedOf(decisionRecord(shadow))).toMatchObject({ fate: "would_block", rules: ["windows"] });
});

test("where no rule did it, the reason counts", () => {
  const refused = { decision: "deny", enforced: "deny", reason: "token_expired", agent_id: null } as const;
  expect(countedOf(decisionRecord(refused))).toMatchObject({ agent: null, fate: "blocked", rules: ["token_expired"] });
});

test("a record that stands for many counts as many", () => {
  const aggregated = {
    count: 700,
    from: "2026-03-01T12:00:00.000Z",
    to: "2026-03-01T12:00:30.000Z",
    calls: [],
    others: 0,
  };
  const refused = { decision: "deny", enforced: "deny", reason: "rate_exceeded", aggregated } as const;
  expect(countedOf(decisionRecord(refused))).toMatchObject({ count: 700, fate: "blocked", rules: ["rate_exceeded"] });
});
