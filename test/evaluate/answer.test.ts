import { readAnswer } from "../../src/evaluate/answer.js";
import type { ActionDocument } from "../../src/policies/document.js";

type Terms = NonNullable<ActionDocument["terms"]>;

/** What becomes of the terms of several policies. */
function together(...terms: Terms[]) {
  const view = {
    verdict: "approval_needed",
    reason: "approval_needed",
    violations: [],
    sanitize: [],
    redact: [],
    redeems: false,
    asked: [],
    terms,
  };
  return readAnswer({ decision: view, enforced: view, tags: [], costs: [] }).enforced.terms;
}

test("without terms one approver decides, as the configuration says", () => {
  expect(together()).toEqual({ approvers: [], quorum: 1 });
  expect(together({})).toEqual({ approvers: [], quorum: 1 });
});

test("the strictest of all holds", () => {
  expect(
    together(
      { approvers: ["sre"], quorum: 2, expires_in_ms: 5, hold_ms: 9 },
      { approvers: ["leads"], quorum: 1, expires_in_ms: 7, hold_ms: 3 },
    ),
  ).toEqual({ approvers: [["sre"], ["leads"]], quorum: 2, expiresInMs: 5, holdMs: 3 });
});

test("a list that two entries share is one", () => {
  const both = together({ approvers: ["sre", "leads"] }, { approvers: ["sre"] }, { approvers: ["sre", "leads"] });
  expect(both.approvers).toEqual([["sre", "leads"], ["sre"]]);
});

describe("escalation", () => {
  const to = (after_ms: number, ...groups: string[]) => ({ escalate: { after_ms, to: groups } });

  test("each policy's list grows by its own groups, and everybody's time has to be over", () => {
    expect(
      together({ approvers: ["sre"], ...to(10, "leads", "chiefs") }, { approvers: ["security"], ...to(20, "chiefs") }),
    ).toMatchObject({
      approvers: [["sre"], ["security"]],
      escalation: {
        afterMs: 20,
        to: ["chiefs", "leads"],
        approvers: [
          ["chiefs", "leads", "sre"],
          ["chiefs", "security"],
        ],
      },
    });
  });

  test("a policy that does not escalate keeps its list", () => {
    expect(together({ approvers: ["sre"], ...to(10, "leads") }, { approvers: ["security"] }).escalation).toEqual({
      afterMs: 10,
      to: ["leads"],
      approvers: [["leads", "sre"], ["security"]],
    });
  });

  test("the same list stays one where it grows, and one where it does not", () => {
    const terms = together({ approvers: ["sre"], ...to(10, "leads") }, { approvers: ["sre"] });
    expect([terms.approvers, terms.escalation?.approvers]).toEqual([[["sre"]], [["leads", "sre"], ["sre"]]]);
  });

  test("where any approver may answer, nobody is added", () => {
    expect(together(to(10, "leads"))).toEqual({
      approvers: [],
      quorum: 1,
      escalation: { afterMs: 10, to: ["leads"], approvers: [] },
    });
  });

  test("a policy without a list does not open that of another", () => {
    expect(together(to(10, "leads"), { approvers: ["sre"] }).escalation).toEqual({
      afterMs: 10,
      to: ["leads"],
      approvers: [["sre"]],
    });
  });

  test("none where no policy asks for it", () => {
    expect(together({ approvers: ["sre"] })).not.toHaveProperty("escalation");
  });
});
