import fc from "fast-check";
import { deploy, deployApi, detail, reason, shell } from "./describing.js";
import type { Sketch } from "./request.js";

test.each(["deploy", "Deploy-api", "deploy-api ", "", "constructor"])("the tool %j is unknown", (tool) => {
  expect(reason({ ...deploy, tool })).toBe(tool === "" ? "malformed_parameter" : "unknown_tool");
});

test.each<[string, string, unknown, Sketch?]>([
  ["no JSON", "malformed_body", "{"],
  ["a list", "malformed_body", "[]"],
  ["a name twice", "malformed_body", '{"tool":"shell","tool":"deploy-api","action":"run"}'],
  ["a name twice in the parameters", "malformed_body", '{"tool":"shell","action":"run","params":{"n":1,"N":2}}'],
  ["a hidden name", "malformed_body", '{"t\\u006fol":"shell","action":"run"}'],
  ["__proto__", "malformed_body", '{"tool":"shell","action":"run","params":{"__proto__":{}}}'],
  ["a number that nobody agrees on", "malformed_body", '{"tool":"shell","action":"run","params":{"n":1e400}}'],
  ["bytes that are not UTF-8", "malformed_body", "", { body: new Uint8Array([0x7b, 0xff, 0x7d]) }],
  ["an unknown member", "malformed_parameter", { ...deploy, agent: "root" }],
  ["no tool", "malformed_parameter", { action: "run" }],
  ["a tool that is a number", "malformed_parameter", { ...deploy, tool: 1 }],
  ["no action", "missing_action", { tool: "shell" }],
  ["an empty action", "missing_action", { tool: "shell", action: "" }],
  ["an action that is a list", "missing_action", { tool: "shell", action: ["run"] }],
  ["an action that is too long", "malformed_parameter", { tool: "shell", action: "x".repeat(257) }],
  ["an action with a bidirectional mark", "malformed_parameter", { tool: "shell", action: "r\u202eun" }],
  ["an environment that is null", "malformed_parameter", { ...deploy, environment: null }],
  ["parameters that are a list", "malformed_parameter", { ...deploy, params: [] }],
  ["parameters that are null", "malformed_parameter", { ...deploy, params: null }],
  ["a destination that is a map", "malformed_parameter", { ...deploy, destination: { host: "h" } }],
  [
    "a destination that is no host of the tool",
    "malformed_parameter",
    { ...deploy, destination: "deploy.prod.internal" },
  ],
  ["an empty destination", "malformed_parameter", { ...deploy, destination: "" }],
  ["a destination with a path", "malformed_host", { ...deploy, destination: "h/x" }],
  ["a destination with user info", "malformed_host", { ...deploy, destination: "u@h" }],
  ["a destination with a wildcard", "malformed_host", { ...deploy, destination: "*.internal" }],
  ["a destination in an unusual spelling", "malformed_host", { ...deploy, destination: "127.1" }],
  ["no body", "body_missing", ""],
  [
    "a form",
    "unsupported_content_type",
    "tool=shell&action=run",
    { headers: { "content-type": "application/x-www-form-urlencoded" } },
  ],
  ["text", "unsupported_content_type", deploy, { headers: { "content-type": "text/plain" } }],
  ["no content type", "unsupported_content_type", deploy, { headers: {} }],
  [
    "another charset",
    "unsupported_content_type",
    deploy,
    { headers: { "content-type": "application/json; charset=utf-16" } },
  ],
  [
    "a compressed body",
    "unsupported_content_encoding",
    deploy,
    { headers: { "content-type": "application/json", "content-encoding": "gzip" } },
  ],
  ["a query", "malformed_query", deploy, { target: "/v1/check?tool=shell" }],
  ["an empty query", "malformed_query", deploy, { target: "/v1/check?" }],
  ["another spelling of the path", "malformed_path", deploy, { target: "/v1/%63heck" }],
])("%s is refused: %s", (_name, wanted, body, sketch = {}) => {
  expect(reason(body, [deployApi, shell], sketch)).toBe(wanted);
});

test("a name in a refusal is short and plain", () => {
  expect(detail({ ...deploy, [`\u202e${"x".repeat(500)}`]: 1 })).toBe(
    `the body has the unknown member "\\u202e${"x".repeat(63)}..."`,
  );
});

describe("whatever comes", () => {
  const word = fc.constantFrom(
    "shell",
    "deploy-api",
    "deploy",
    "environment",
    "spec",
    "n",
    "tool",
    "action",
    "staging",
    "",
  );
  const value = fc.oneof(
    fc.json().map((text) => JSON.parse(text)),
    word,
    fc.dictionary(word, fc.oneof(word, fc.integer())),
  );
  const member = fc.constantFrom("tool", "action", "environment", "params", "destination", "other");
  const body = fc.oneof(
    fc.dictionary(member, value).map((object) => JSON.stringify(object)),
    fc.record({ tool: word, action: word, params: fc.dictionary(word, value) }).map((object) => JSON.stringify(object)),
    fc
      .record(
        {
          tool: fc.constantFrom("shell", "deploy-api"),
          action: word,
          environment: fc.oneof(word, value),
          params: fc.constant({}),
        },
        { requiredKeys: ["tool", "action"] },
      )
      .map((object) => JSON.stringify(object)),
    fc.string({ unit: "binary" }),
  );

  test("is a call or a refusal", () => {
    const entries = [
      deployApi,
      shell,
      { ...deployApi, name: "spec", params: { n: "{body.spec.n}" }, match: { hosts: ["h"], path: "/{verb}" } },
    ];
    let [calls, environments] = [0, 0];
    const property = fc.property(body, (text) => {
      const found = reason(text, entries);
      if (typeof found === "string") return;
      const said = JSON.parse(text);
      expect([found.tool, found.action]).toEqual([said.tool, said.action]);
      calls += 1;
      if (said.environment === undefined) return;
      environments += 1;
      expect(found.environment).toBe(said.environment);
    });
    fc.assert(property, { numRuns: 2_000, interruptAfterTimeLimit: 5_000 });
    expect(Math.min(calls, environments)).toBeGreaterThan(5);
  });
});
