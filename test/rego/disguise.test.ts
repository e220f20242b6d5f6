import { createEngine } from "../../src/evaluate/engine.js";
import { loadProgram } from "../../src/policies/program.js";
import { policySetOf } from "../harness/policy_set.js";

const program = loadProgram();
const engine = createEngine(program);

/** Verdict and reason for one call under policy files given by name. */
function judge(files: Record<string, string>, input: object): string {
  const { id, document } = policySetOf(files, program).documentOf("a");
  const call = { agent: { id: "a" }, tool: "t", params: {}, images: [], http: { headers: {}, query: {} }, ...input };
  const { enforced } = engine.run(id, document, call) as { enforced: { verdict: string; reason: string } };
  return `${enforced.verdict}/${enforced.reason}`;
}

const anything = { "a.yaml": 'agent: a\nactions: [{name: "*"}]\n' };
const denying = {
  ...anything,
  "g.yaml": 'guardrail: true\ndeny_actions: ["s3:DeleteBucket", "IAM:*"]\n',
};

test.each([
  ["s3:DeleteBucket", "deny/deny_actions"],
  ["s3:deletebucket", "deny/deny_actions"],
  ["S3:DELETEBUCKET", "deny/deny_actions"],
  ["iam:createrole", "deny/deny_actions"],
  ["Iam:CreateRole", "deny/deny_actions"],
  // The long s is an S in upper case, and so to many readers.
  ["\u017f3:DeleteBucket", "deny/deny_actions"],
  ["s3:DeleteBuc\u212Aet", "deny/deny_actions"],
  ["s3:DeleteBuckets", "allow/allowed"],
])("action %s is %s", (action, wanted) => {
  expect(judge(denying, { action })).toBe(wanted);
});

test.each([
  [{}, "allow/allowed"],
  [{ amount: 500 }, "allow/allowed"],
  [{ Amount: 1 }, "deny/max_amount"],
  [{ AMOUNT: 100000 }, "deny/max_amount"],
  [{ amounts: 100000 }, "allow/allowed"],
])("parameters %j under max_amount are %s", (params, wanted) => {
  expect(judge({ "a.yaml": "agent: a\nactions: [{name: pay, max_amount: 500}]\n" }, { action: "pay", params })).toBe(
    wanted,
  );
});

/** Rules of a parameter, each with a value that keeps it. */
const ofParameter: [rule: string, value: unknown][] = [
  ["params: {tasks: {required: true}}", 1],
  ["params: {tasks: {type: integer}}", 1],
  ["params: {tasks: {pattern: '[a-z]+'}}", "web"],
  ["params: {tasks: {enum: [web]}}", "web"],
  ["params: {tasks: {forbid: [url]}}", "web"],
  ["additional_params: deny, params: {tasks: {type: string}}", "web"],
  ["max_tasks: 5", 1],
  ["min_tasks: 1", 1],
  ["cost: {per: {tasks: 1}}", 1],
];

describe.each(ofParameter)("%s", (rule, value) => {
  const files = { "a.yaml": `{agent: a, actions: [{name: pay, ${rule}}]}` };
  const call = { action: "pay", dlp: { detectors: ["url"], complete: true, hits: [] } };

  test("is kept by the parameter", () => {
    expect(judge(files, { ...call, params: { tasks: value } })).toBe("allow/allowed");
  });

  test.each(["Tasks", "TASKS", "tas\u212As", "task\u017f", "Ta\u017fks"])("is broken by %s", (name) => {
    expect(judge(files, { ...call, params: { [name]: value } })).toMatch(/^deny/);
    expect(judge(files, { ...call, params: { tasks: value, [name]: value } })).toMatch(/^deny/);
  });
});

test.each([
  ["main", "allow/allowed"],
  ["release/1", "allow/allowed"],
  ["main\n", "deny/params"],
  ["\nmain", "deny/params"],
  ["main\r\nrelease/1", "deny/params"],
  ["main\u2028release/1", "deny/params"],
  ["main\u0000", "deny/params"],
  ["evil\nmain", "deny/params"],
  ["ma\u200Bin", "deny/params"],
  ["m\u0430in", "deny/params"],
])("a branch %j under a pattern of lines is %s", (branch, wanted) => {
  for (const pattern of ["main|release/[0-9]+", "(?m)^(main|release/[0-9]+)$", "^main$|^release/[0-9]+$"]) {
    const files = { "a.yaml": `{agent: a, actions: [{name: run, params: {branch: {pattern: '${pattern}'}}}]}` };
    expect(judge(files, { action: "run", params: { branch } })).toBe(wanted);
  }
});

test.each([
  ["api.github.com", 443, "allow/allowed"],
  ["a.internal", 80, "allow/allowed"],
  ["api.github.com", 80, "deny/egress"],
  ["github.com", 443, "deny/egress"],
  ["xapi.github.com", 443, "deny/egress"],
  ["api.github.com.evil.example", 443, "deny/egress"],
  ["internal", 443, "deny/egress"],
  ["evilinternal", 443, "deny/egress"],
  ["a.internal.evil.example", 443, "deny/egress"],
  // A host comes in its one spelling; another one is none that is known.
  ["API.GitHub.com", 443, "deny/egress"],
  ["api.github.com.", 443, "deny/egress"],
])("destination %s port %d is %s", (host, port, wanted) => {
  const egress = 'egress: {allow: ["api.github.com:443", "*.internal"]}';
  const files = { "a.yaml": `{agent: a, actions: [{name: "*"}], ${egress}}` };
  expect(judge(files, { action: "get", destination: { host, port, scheme: "https" } })).toBe(wanted);
});

test("a call that no tool matches meets the guardrails for every action, and those only", () => {
  const sanitizing = {
    "g.yaml": 'guardrail: true\nactions: [{name: "*", sanitize: {headers: {remove: [x-debug]}}}]\n',
    "t.yaml": 'guardrail: true\ntools: [other]\nactions: [{name: "*", allowed_environments: [staging]}]\n',
  };
  const unmatched = { tool: undefined, unmatched: true };
  const http = { headers: { "x-debug": "1" }, query: {} };
  expect(judge(sanitizing, { ...unmatched, http })).toBe("sanitize/sanitized");
  expect(judge(sanitizing, unmatched)).toBe("allow/allowed");
  const strict = { "g.yaml": 'guardrail: true\nactions: [{name: "*", allowed_environments: [staging]}]\n' };
  expect(judge(strict, unmatched)).toBe("deny/allowed_environments");
  const closed = { "g.yaml": 'guardrail: true\negress: {allow: ["*.internal"]}\n' };
  expect(judge(closed, { ...unmatched, destination: { host: "a.internal", port: 443 } })).toBe("allow/allowed");
  expect(judge(closed, { ...unmatched, destination: { host: "b.example", port: 443 } })).toBe("deny/egress");
  expect(judge(closed, unmatched)).toBe("deny/egress");
});

test("without the word of the catalogue a call that names no tool is not granted", () => {
  expect(judge(anything, { tool: undefined, action: "x" })).toBe("deny/action_not_allowed");
});

test("what a guardrail sets stands last", () => {
  const set = (value: string) => `sanitize: {headers: {set: {x-env: ${value}}}}`;
  const files = {
    "a.yaml": `guardrail: true\nactions: [{name: "*", ${set("guardrail")}}]\n`,
    "b.yaml": `agent: a\nactions: [{name: "*", ${set("own")}}]\n`,
  };
  const { document } = policySetOf(files, program).documentOf("a");
  expect(document.files.map(({ file }) => file)).toEqual(["b.yaml", "a.yaml"]);
});
