import type { DecisionRecord } from "../../src/audit/record.js";
import { passedDecisions } from "../../src/outcomes/passed.js";
import { decisionDraft } from "../audit/samples.js";

const ids = Array.from({ length: 30 }, (_, n) => `01J9ZQ3V6C5R8N2K4M7P0T10${String(n).padStart(2, "0")}`);
const [first = "", second = "", third = ""] = ids;

function decision(decision_id: string, more: Partial<DecisionRecord> = {}): DecisionRecord {
  return { ...decisionDraft({ secret: "not for the outcome" }), decision_id, ...more };
}

function memory(size?: number) {
  let now = 1_000;
  const decisions = passedDecisions(() => now, size);
  const wait = (ms: number): void => {
    now += ms;
  };
  return { decisions, wait };
}

test("a decision that let a call through is given once, by what its record says", () => {
  const { decisions } = memory();
  decisions.recorded(decision(first, { deployment_id: "dep-1", action: "[email]", service: "shop" }));
  expect(decisions.told(first, "succeeded 200")).toEqual({
    decision_id: first,
    deployment_id: "dep-1",
    session_id: "s-1",
    agent_id: "deploy-manager",
    tool: "deploy-api",
    action: "[email]",
    environment: "staging",
    service: "shop",
  });
  expect(decisions.told(first, "succeeded 200")).toBe("repeated");
  expect(decisions.told(second, "succeeded 200")).toBe("unknown");
  expect(decisions.told(second, "succeeded 200")).toBe("repeated");
});

test("only what was let through counts, whatever was decided", () => {
  const { decisions } = memory();
  decisions.recorded(decision(first, { decision: "deny", enforced: "allow", mode: "shadow" }));
  decisions.recorded(decision(second, { decision: "deny", enforced: "deny" }));
  decisions.recorded(decision(third, { decision: "approval_needed", enforced: "approval_needed" }));
  expect(decisions.told(first, "succeeded 200")).toMatchObject({ decision_id: first });
  expect([decisions.told(second, "succeeded 200"), decisions.told(third, "succeeded 200")]).toEqual([
    "unknown",
    "unknown",
  ]);
});

test("after an hour it is forgotten", () => {
  const { decisions, wait } = memory();
  decisions.recorded(decision(first));
  decisions.recorded(decision(second));
  wait(3_600_000);
  expect(decisions.told(first, "succeeded 200")).toMatchObject({ decision_id: first });
  wait(1);
  expect(decisions.told(second, "succeeded 200")).toBe("unknown");
});

test("room is bounded, the oldest goes first, and invented ids push out nothing", () => {
  const { decisions } = memory(3);
  for (const id of ids.slice(0, 4)) decisions.recorded(decision(id));
  for (const id of ids.slice(10)) expect(decisions.told(id, "succeeded 200")).toBe("unknown");
  expect(ids.slice(1, 4).map((id) => decisions.told(id, "succeeded 200"))).toMatchObject(
    ids.slice(1, 4).map((decision_id) => ({ decision_id })),
  );
  expect(decisions.told(first, "succeeded 200")).toBe("unknown");
  expect(ids.slice(1, 4).map((id) => decisions.told(id, "succeeded 200"))).toEqual([
    "repeated",
    "repeated",
    "repeated",
  ]);
});

test("another end than the first is told of, once", () => {
  const { decisions } = memory();
  decisions.recorded(decision(first));
  for (const [id, known] of [
    [first, expect.objectContaining({ decision_id: first })],
    [second, "unknown"],
  ] as const) {
    expect(decisions.told(id, "succeeded 200")).toEqual(known);
    expect(decisions.told(id, "succeeded 200")).toBe("repeated");
    expect(decisions.told(id, "failed 500")).toBe("contradicted");
    expect(decisions.told(id, "failed 500")).toBe("repeated");
    expect(decisions.told(id, "failed 502")).toBe("repeated");
  }
});
