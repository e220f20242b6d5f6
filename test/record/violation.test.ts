import { describe as inWords } from "../../src/evaluate/messages.js";
import type { Rule } from "../../src/policies/document.js";
import { createMasker, type Masker } from "../../src/record/mask.js";
import { maskResult, maskViolation } from "../../src/record/violation.js";
import { jwt, maskerOf } from "./fixture.js";

type Violation = Parameters<typeof maskViolation>[0];

/** A violation as the record is given it. */
const said = (kind: Rule["kind"], finding: object): Violation =>
  inWords({ kind, rule: "r", ...finding }) as unknown as Violation;

const unsearched = createMasker({});
const searched = maskerOf({ params: { ssn: "123456789", mail: "ada@example.com" } });
const long = `eyJ${"a".repeat(120)}.${"b".repeat(120)}.${"c".repeat(40)}`;

test.each<[string, Masker, Violation, object]>([
  [
    "an environment that is a token",
    unsearched,
    said("environments", { limit: ["staging"], actual: jwt }),
    { actual: "[token]", message: "environment [token] is not one of staging" },
  ],
  [
    "one that the sentence has cut short",
    unsearched,
    said("environments", { limit: ["staging"], actual: long }),
    { actual: "[token]", message: "environment [token] is not one of staging" },
  ],
  [
    "an environment that stands under a telling name",
    searched,
    said("environments", { limit: ["staging"], actual: "123456789" }),
    { actual: "[ssn]", message: "environment [ssn] is not one of staging" },
  ],
  [
    "images",
    searched,
    said("images", { actual: ["shop@sha256:aa", "123456789:v1"] }),
    {
      actual: ["shop@sha256:aa", "[ssn]:v1"],
      message: "image shop@sha256:aa, [ssn]:v1 is not allowed: every image needs an approved digest",
    },
  ],
  [
    "names of parameters",
    searched,
    said("additional", { actual: ["ada@example.com", jwt, "b"] }),
    { actual: ["[email]", "[jwt]", "b"], message: "the policy does not list parameter [email], [jwt], b" },
  ],
  [
    "a number",
    searched,
    said("max", { rule: "max_ssn", param: "ssn", limit: 10, actual: 123456789 }),
    { actual: "[ssn]", message: "ssn [ssn] is above max_ssn 10" },
  ],
  [
    "a secret by its name",
    unsearched,
    said("max", { rule: "max_pin", param: "pin", limit: 10, actual: 1234 }),
    { actual: "[secret]", message: "pin [secret] is above max_pin 10" },
  ],
  [
    "a parameter by its name",
    searched,
    said("param_pattern", { rule: "params", param: "patient_ssn", limit: "[a-z]+", actual: "219099999" }),
    { actual: "[ssn]", message: "patient_ssn does not match [a-z]+ as a whole" },
  ],
  [
    "a destination",
    searched,
    inWords({ rule: "egress", limit: ["*.internal"], actual: { host: "123456789.evil", port: 1 } }) as never,
    { actual: { host: "[ssn].evil", port: 1 }, message: "destination [ssn].evil:1 is not one of *.internal" },
  ],
  [
    "other spellings of a name",
    unsearched,
    said("param_type", { rule: "params", param: "a", limit: "string", spelled: [jwt], actual: null }),
    { actual: null, message: "[token] is another spelling of a, which params speaks of" },
  ],
  [
    "a scope",
    unsearched,
    { rule: "scope_exceeded", limit: ["a:b"], actual: `t:${jwt}`, message: `t:${jwt} is outside` },
    { actual: "t:[token]", message: "t:[token] is outside" },
  ],
])("%s is masked, and the sentence says the same", (_, mask, violation, shown) => {
  expect(maskViolation(violation, mask)).toMatchObject(shown);
});

test("a sentence that quotes part of a value of which only the hash is kept is not kept either", () => {
  const actual = ["x".repeat(195), ...Array.from({ length: 200 }, (_, i) => `123456789-${i}`)];
  const masked = maskViolation(said("images", { rule: "allowed_images", actual }), searched);
  expect(masked).toMatchObject({ actual: { omitted: true }, message: "rule allowed_images is broken" });
});

test("a violation without a value, or with nothing to mask, stays as it is", () => {
  const bare = { rule: "no_policy", message: "no policy names this agent" };
  const plain = said("environments", { limit: ["staging"], actual: "production" });
  expect(maskViolation(bare, searched)).toEqual(bare);
  expect(maskViolation(plain, searched)).toEqual(plain);
});

test("the result keeps the names of what is set and not the values, and long values by their hash", () => {
  const view = {
    verdict: "sanitize",
    violations: [
      { rule: "max_pin", param: "pin", actual: 99999 },
      { rule: "max_a", param: "a", actual: "x".repeat(2000), spelled: ["A", jwt] },
    ],
    asked: [{ rule: "allowed_environments", actual: jwt }],
    redact: [{ detector: "email", in: "headers", name: jwt }],
    sanitize: [
      {
        own: true,
        headers: { set: { authorization: "Bearer tool" }, remove: ["x-a"] },
        query: { set: {}, remove: [] },
      },
    ],
  };
  const shown = {
    verdict: "sanitize",
    violations: [{ actual: "[secret]" }, { actual: { omitted: true, bytes: 2002 }, spelled: ["A", "[token]"] }],
    asked: [{ actual: "[token]" }],
    redact: [{ detector: "email", in: "headers", name: "[token]" }],
    sanitize: [
      { own: true, headers: { set: { authorization: "[set]" }, remove: ["x-a"] }, query: { set: {}, remove: [] } },
    ],
  };
  const masked = maskResult({ tags: ["pii"], decision: view, enforced: view }, unsearched);
  expect(masked).toMatchObject({ tags: ["pii"], decision: shown, enforced: shown });
});

test("an answer that says nothing of the call is recorded as it is, and not copied", () => {
  const view = { verdict: "allow", violations: [], asked: [], redact: [], sanitize: [] };
  const result = Object.freeze({ decision: Object.freeze(view), enforced: Object.freeze(view), tags: [] });
  expect(maskResult(result, unsearched)).toBe(result);
  const other = { ...result, enforced: { verdict: "allow" } };
  expect(maskResult(other, unsearched)).toEqual({ ...result, enforced: view });
});
