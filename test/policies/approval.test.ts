import type { ActionDocument, FileDocument } from "../../src/policies/document.js";
import { loadProgram } from "../../src/policies/program.js";
import { policySetOf } from "../harness/policy_set.js";

const program = loadProgram();

function fileOf(text: string): FileDocument | undefined {
  return policySetOf({ "p.yaml": text }, program).documentOf("a").document.files[0];
}

/** The one action `x` of a file that begins as given. */
function action(action: string, file = "agent: a"): ActionDocument | undefined {
  return fileOf(`${file}\nactions: [{name: x${action === "" ? "" : `, ${action}`}}]`)?.actions[0];
}

describe("escalate", () => {
  test("becomes milliseconds and sorted groups", () => {
    expect(action("approval: {when: true, escalate: {after: 10m, to: [leads, chiefs, leads]}}")?.terms).toEqual({
      escalate: { after_ms: 600_000, to: ["chiefs", "leads"] },
    });
  });

  test("may come just before the end, and without one at any time", () => {
    const late = "approval: {when: true, expires_in: 10m, escalate: {after: 599999ms, to: [leads]}}";
    expect(action(late)?.terms?.escalate?.after_ms).toBe(599_999);
    const open = "approval: {when: true, escalate: {after: 30d, to: [leads]}}";
    expect(action(open)?.terms?.escalate?.after_ms).toBe(30 * 86_400_000);
  });
});

describe("what a file says of the approvals of all its actions", () => {
  const asking = "agent: a\napproval_needed: env == 'prod'\napproval: {approvers: [sre], quorum: 2, expires_in: 1h}";
  const terms = { approvers: ["sre"], quorum: 2, expires_in_ms: 3_600_000 };

  test("compiles as if each action said it", () => {
    const same = "approval_needed: env == 'prod', approval: {approvers: [sre], quorum: 2, expires_in: 1h}";
    expect(action("", asking)).toEqual(action(same));
    expect(action("max_n: 5", asking)).toEqual(action(`max_n: 5, ${same}`));
  });

  test.each([
    ["approval_needed: true", "true", terms],
    ["approval: {when: action == 'y'}", "action == 'y'", terms],
    ["approval: {quorum: 1}", "env == 'prod'", { ...terms, quorum: 1 }],
    ["approval: {approvers: [leads], hold: 5s}", "env == 'prod'", { ...terms, approvers: ["leads"], hold_ms: 5_000 }],
    ["approval_needed: true, approval: {expires_in: 5m}", "true", { ...terms, expires_in_ms: 300_000 }],
    ["approval_needed: false", undefined, terms],
    ["approval: {when: false}", undefined, terms],
  ])("an action that says %s", (said, source, wanted) => {
    const compiled = action(said, asking);
    expect([compiled?.approval?.source, compiled?.terms]).toEqual([source, wanted]);
  });

  test("a condition of the action stands in for `when` of the file as well", () => {
    expect(action("approval_needed: true", "agent: a\napproval: {when: env == 'prod'}")?.approval?.source).toBe("true");
    expect(action("", "agent: a\napproval: {when: env == 'prod'}")?.approval?.source).toBe("env == 'prod'");
  });

  test("`escalate` is one key: an action replaces the whole of it", () => {
    const file = "agent: a\napproval: {when: true, escalate: {after: 10m, to: [leads]}}";
    expect(action("approval: {escalate: {after: 1m, to: [sre]}}", file)?.terms?.escalate).toEqual({
      after_ms: 60_000,
      to: ["sre"],
    });
  });

  test.each([
    ["as the action", "approval_needed: true", "mode: shadow", "shadow"],
    ["as the file", "mode: shadow\napproval_needed: true", "", "shadow"],
    ["as the condition says itself", "approval_needed: {value: true, mode: enforce}", "mode: shadow", "enforce"],
  ])("stands %s", (_, file, said, mode) => {
    expect(action(said, `agent: a\n${file}`)?.approval?.mode).toBe(mode);
  });

  test("a guardrail says it of every agent", () => {
    const text = "guardrail: true\napproval_needed: true\nactions: [{name: x}, {name: y, approval_needed: false}]";
    expect(fileOf(text)?.actions.map(({ approval }) => approval?.source)).toEqual(["true", undefined]);
  });

  test("what only a session can answer is asked of the session", () => {
    const text = "agent: a\napproval_needed: session.anomalies > 1\nactions: [{name: x}]";
    expect(policySetOf({ "p.yaml": text }, program).documentOf("a").document.needs.session).toBe(true);
  });

  test("in a file of Rego alone it holds for every action", () => {
    expect(
      fileOf("agent: a\nrego: [agent.deploy]\napproval: {approvers: [sre]}\napproval_needed: true")?.actions,
    ).toEqual([
      expect.objectContaining({
        name: "*",
        terms: { approvers: ["sre"] },
        approval: expect.objectContaining({ source: "true", mode: "enforce" }),
      }),
    ]);
  });
});
