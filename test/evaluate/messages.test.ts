import { describe as tell } from "../../src/evaluate/messages.js";

const message = (finding: Parameters<typeof tell>[0]) => tell(finding).message;

test.each([
  [{ rule: "max_replicas", param: "replicas", limit: 50, actual: 200 }, "replicas 200 is above max_replicas 50"],
  [{ rule: "min_replicas", param: "replicas", limit: 2, actual: 1 }, "replicas 1 is below min_replicas 2"],
  [{ rule: "max_n", param: "n", limit: 1, actual: "2" }, "n is not a number, and max_n limits it"],
  [{ rule: "max_n", param: "n", limit: 1, actual: null }, "n is not a number, and max_n limits it"],
  [
    { rule: "allowed_environments", limit: ["staging", "qa"], actual: "prod" },
    "environment prod is not one of staging, qa",
  ],
  [{ rule: "allowed_environments", limit: ["staging"], actual: null }, "the call names no environment"],
  [{ rule: "allowed_images", actual: [] }, "the call names no image, and only approved images are allowed"],
  [{ rule: "allowed_images", actual: ["a", "b"] }, "image a, b is not allowed: every image needs an approved digest"],
  [{ rule: "deny_actions", actual: "iam:CreateRole" }, "action iam:CreateRole is denied by name"],
  [{ rule: "no_policy" }, "no policy names this agent"],
  [
    { rule: "condition_error", limit: "params.n > 1" },
    "the condition params.n > 1 could not be evaluated for this call",
  ],
  [{ rule: "approval_needed", limit: "true" }, "the policy asks for approval: true"],
  [{ rule: "constructor" }, "rule constructor is broken"],
])("%j: %s", (finding, wanted) => {
  expect(message(finding)).toBe(wanted);
});

test("long values are cut, and it says so", () => {
  const text = message({ rule: "deny_actions", actual: "a".repeat(5000) });
  expect(text.length).toBeLessThan(300);
  expect(text).toContain("(5000 characters)");
});
