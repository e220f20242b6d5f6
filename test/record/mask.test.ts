import { isSecret, maskInput, maskResult, maskViolation } from "../../src/record/mask.js";

const nothing = { headers: new Set<string>(), query: new Set<string>() };

test.each([
  ...[
    "password",
    "passwd1",
    "pwd",
    "db_password",
    "clientSecret",
    "secrets",
    "accessKey",
    "access_key",
    "AWS_ACCESS_KEY",
  ],
  ...[
    "x-api-key",
    "apiKey",
    "privateKey",
    "token",
    "accessToken",
    "access_token",
    "x-auth",
    "sig",
    "otp",
    "pin",
    "cookie",
  ],
])("%s names a secret", (name) => {
  expect(isSecret(name, "x")).toBe(true);
});

test.each(["replicas", "keyboard", "pinned", "tokenizer", "author", "design", "environment"])(
  "%s names none",
  (name) => {
    expect(isSecret(name, "x")).toBe(false);
  },
);

test("a number is a secret only where secrets are digits", () => {
  expect(isSecret("max_tokens", 4096)).toBe(false);
  expect(isSecret("max_tokens", "4096")).toBe(true);
  expect(isSecret("pin", 1234)).toBe(true);
});

test("secrets are masked by name at every depth, in parameters, headers and query", () => {
  const input = {
    tool: "t",
    params: { replicas: 3, db: { password: "p", hosts: [{ apiKey: "k", name: "n" }] }, pin: 1234, token: null },
    http: {
      path: "/v1",
      headers: { "x-auth-token": "t", accept: "*/*" },
      query: { access_token: "t", month: "10" },
    },
  };
  expect(maskInput(input, nothing)).toEqual({
    tool: "t",
    params: {
      replicas: 3,
      db: { password: "[secret]", hosts: [{ apiKey: "[secret]", name: "n" }] },
      pin: "[secret]",
      token: null,
    },
    http: {
      path: "/v1",
      headers: { "x-auth-token": "[secret]", accept: "*/*" },
      query: { access_token: "[secret]", month: "10" },
    },
  });
});

test("what policies take out of calls is masked, and tokens wherever they stand", () => {
  const jwt = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln";
  const input = {
    params: { note: `use ${jwt} or csk_0123456789abcdef0123`, month: "9" },
    http: { path: `/v1/cst_0123456789abcdef0123`, headers: { "x-debug": "s" }, query: { month: "9" } },
  };
  const removed = { headers: new Set(["x-debug"]), query: new Set(["month"]) };
  expect(maskInput(input, removed)).toEqual({
    params: { note: "use [token] or [token]", month: "[removed]" },
    http: { path: "/v1/[token]", headers: { "x-debug": "[removed]" }, query: { month: "[removed]" } },
  });
});

test("the result keeps the names of what is set and not the values, and long values by their hash", () => {
  const view = {
    verdict: "sanitize",
    violations: [
      { rule: "max_pin", param: "pin", actual: 99999 },
      { rule: "max_a", param: "a", actual: "x".repeat(2000) },
    ],
    sanitize: [{ headers: { set: { authorization: "Bearer tool" }, remove: ["x-a"] }, query: { set: {}, remove: [] } }],
  };
  const masked = maskResult({ decision: view, enforced: view }, null);
  expect(masked).toMatchObject({
    decision: {
      violations: [{ actual: "[secret]" }, { actual: { omitted: true, bytes: 2002 } }],
      sanitize: [{ headers: { set: { authorization: "[set]" }, remove: ["x-a"] }, query: { set: {}, remove: [] } }],
    },
  });
  expect(JSON.stringify(masked)).not.toContain("Bearer tool");
});

test("a violation without a value stays as it is", () => {
  expect(maskViolation({ rule: "no_policy", message: "m" }, null)).toEqual({ rule: "no_policy", message: "m" });
});
