import { scopeCovers, sessionIdOf } from "../../src/call.js";
import { Refusal } from "../../src/refusal.js";
import { letsThrough, verdicts } from "../../src/verdict.js";

test("a refusal has a reason, and words for the agent", () => {
  const refusal = new Refusal("unknown_tool", "no tool matches");
  expect(refusal).toBeInstanceOf(Error);
  expect(refusal).toMatchObject({ name: "Refusal", reason: "unknown_tool", detail: "no tool matches", violations: [] });
  expect(Object.hasOwn(refusal, "cause")).toBe(false);
});

test("what the operator sees is its cause, and is in no word for the agent", () => {
  const cause = new Error("connect ECONNREFUSED 10.0.0.7:6379");
  const violations = [{ rule: "max_replicas", message: "replicas 200 is above max_replicas 50" }];
  const refusal = new Refusal("store_unavailable", "the store did not answer", { cause, violations });
  expect(refusal.cause).toBe(cause);
  expect(refusal.violations).toBe(violations);
  expect(refusal.detail).toBe("the store did not answer");
  expect(JSON.stringify(refusal)).not.toContain("10.0.0.7");
});

test.each<[string, string, string, boolean]>([
  ["deploy-api:deploy", "deploy-api", "deploy", true],
  ["deploy-api:*", "deploy-api", "deploy", true],
  ["*:deploy", "deploy-api", "deploy", true],
  ["*:*", "deploy-api", "deploy", true],
  ["aws:iam:CreateRole", "aws", "iam:CreateRole", true],
  ["aws:*", "aws", "iam:CreateRole", true],
  ["aws:iam:*", "aws", "iam:CreateRole", false],
  ["aws:iam", "aws", "iam:CreateRole", false],
  ["deploy-api:deploy", "deploy-api", "Deploy", false],
  ["deploy-api:deploy", "deploy-api", "deploys", false],
  ["deploy-api:deploy", "deploy", "deploy", false],
  ["deploy-*:deploy", "deploy-api", "deploy", false],
  ["deploy-api", "deploy-api", "deploy", false],
  ["*", "deploy-api", "deploy", false],
  ["", "deploy-api", "deploy", false],
  [":", "deploy-api", "deploy", false],
  ["deploy-api:", "deploy-api", "deploy", false],
  [":deploy", "deploy-api", "deploy", false],
  ["*:*:*", "deploy-api", "deploy", false],
])("scope %p covers %p %p: %p", (scope, tool, action, wanted) => {
  expect(scopeCovers(scope, tool, action)).toBe(wanted);
});

test("verdicts are in order of restriction, and two of them let a call through", () => {
  expect(verdicts).toEqual(["allow", "sanitize", "approval_needed", "deny"]);
  expect(verdicts.filter(letsThrough)).toEqual(["allow", "sanitize"]);
});

test("a token that binds no session belongs to the agent's open one", () => {
  const identity = {
    agent: { id: "deploy-manager", scopes: [], roles: [] },
    credential: "bearer",
    credentialHeader: "authorization",
    session: {},
    facts: {},
  };
  expect(sessionIdOf(identity)).toBe("open:deploy-manager");
  expect(sessionIdOf({ ...identity, session: { id: "ses_1" } })).toBe("ses_1");
});
