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
