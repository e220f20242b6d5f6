import type { AgentDocument } from "../../src/policies/document.js";
import { loadProgram } from "../../src/policies/program.js";
import { policySetOf } from "../harness/policy_set.js";
import { judge } from "./cases.js";

const program = loadProgram();
type Fields = Record<string, unknown>;

function documentOf(yaml: string): AgentDocument {
  return policySetOf({ "p.yaml": yaml }, program).documentOf("a").document;
}

/** What is enforced: the verdict with its reason, or that there is no decision, which the server answers with 503. */
function enforced(document: unknown, input: unknown): string {
  const [answer] = judge(program, { policies: { a: document as AgentDocument }, input }) as { enforced: Fields }[];
  return answer === undefined ? "no decision" : `${answer.enforced.verdict} ${answer.enforced.reason}`;
}

const call = {
  agent: { id: "a", roles: ["ci"] },
  tool: "deploy-api",
  action: "deploy",
  environment: "staging",
  images: ["shop/web@sha256:aa"],
  params: { replicas: 3 },
  http: { headers: { "x-debug": "1" }, query: {} },
};

const strict = `
agent: a
actions:
  - name: deploy
    allowed_environments: [staging]
    allowed_images: [{digest: "sha256:aa", repository: shop/web}]
    max_replicas: 5
    min_replicas: 1
    approval_needed: env == "production"
`;

test("the call that the table below takes apart passes whole", () => {
  expect(enforced(documentOf(strict), call)).toBe("allow allowed");
});

describe("what is missing or of another kind counts against the call", () => {
  const without = (name: string): Fields => Object.fromEntries(Object.entries(call).filter(([key]) => key !== name));
  test.each<[string, unknown, string]>([
    ["no agent", without("agent"), "deny no_policy"],
    ["an agent without id", { ...call, agent: {} }, "deny no_policy"],
    ["an id that is no text", { ...call, agent: { id: ["a"] } }, "deny no_policy"],
    ["no tool", without("tool"), "deny action_not_allowed"],
    ["a tool that is no text", { ...call, tool: 7 }, "deny action_not_allowed"],
    ["no action", without("action"), "deny action_not_allowed"],
    ["an action that is no text", { ...call, action: { name: "deploy" } }, "deny action_not_allowed"],
    ["no environment", without("environment"), "deny allowed_environments"],
    ["an environment of null", { ...call, environment: null }, "deny allowed_environments"],
    ["a list of environments", { ...call, environment: ["staging"] }, "deny allowed_environments"],
    ["no images", without("images"), "deny allowed_images"],
    ["an empty list of images", { ...call, images: [] }, "deny allowed_images"],
    ["images that are no list", { ...call, images: "shop/web@sha256:aa" }, "deny allowed_images"],
    ["images in a map", { ...call, images: { a: "shop/web@sha256:aa" } }, "deny allowed_images"],
    ["one image that is no text", { ...call, images: ["shop/web@sha256:aa", null] }, "deny allowed_images"],
    ["one image without digest", { ...call, images: ["shop/web@sha256:aa", "shop/web:1"] }, "deny allowed_images"],
    ["two digests in one image", { ...call, images: ["shop/web@sha256:aa@sha256:aa"] }, "deny allowed_images"],
    ["no params", without("params"), "deny max_replicas"],
    ["params of null", { ...call, params: null }, "deny max_replicas"],
    ["params in a list", { ...call, params: [3] }, "deny max_replicas"],
    ["a number as text", { ...call, params: { replicas: "3" } }, "deny max_replicas"],
    ["a number in a list", { ...call, params: { replicas: [3] } }, "deny max_replicas"],
    ["null for a number", { ...call, params: { replicas: null } }, "deny max_replicas"],
    ["true for a number", { ...call, params: { replicas: true } }, "deny max_replicas"],
    ["no input", undefined, "deny no_policy"],
    ["an input that is a list", [call], "deny no_policy"],
  ])("%s", (_name, input, wanted) => {
    expect(enforced(documentOf(strict), input)).toBe(wanted);
  });

  test("a parameter that is not there passes", () => {
    expect(enforced(documentOf(strict), { ...call, params: {} })).toBe("allow allowed");
  });

  test("no environment makes the condition fail too, and both are told", () => {
    const [answer] = judge(program, { policies: { a: documentOf(strict) }, input: without("environment") }) as {
      decision: { violations: Fields[] };
    }[];
    expect(answer?.decision.violations.map(({ rule }) => rule)).toEqual(["allowed_environments", "condition_error"]);
  });
});

test("shadow does not let through a call that names no tool or action", () => {
  const shadow = documentOf("{agent: a, mode: shadow, actions: [{name: deploy, max_replicas: 1}]}");
  expect(enforced(shadow, call)).toBe("allow allowed");
  expect(enforced(shadow, { ...call, action: null })).toBe("deny action_not_allowed");
  expect(enforced(shadow, { ...call, tool: undefined })).toBe("deny action_not_allowed");
});

test("headers that cannot be read are sanitized all the same", () => {
  const document = documentOf("{agent: a, actions: [{name: deploy, sanitize: {headers: {remove: [x-debug]}}}]}");
  expect(enforced(document, call)).toBe("sanitize sanitized");
  expect(enforced(document, { ...call, http: { headers: {}, query: {} } })).toBe("allow allowed");
  for (const http of [undefined, null, {}, { headers: null, query: {} }, { headers: {} }]) {
    expect(enforced(document, { ...call, http })).toBe("sanitize sanitized");
  }
});

test.each<[string, unknown]>([
  ["null", null],
  ["a list", []],
  ["a text", "x"],
  ["an empty map", {}],
  ["without files", { mode: "enforce" }],
  ["files in a map", { mode: "enforce", files: { a: 1 } }],
])("a document that is %s gives no decision", (_name, document) => {
  expect(enforced(document, call)).toBe("no decision");
});

/** One restriction each, all of which stop the same call. */
const stopping: Record<string, string> = {
  deny_actions: "{guardrail: true, deny_actions: [deploy]}",
  environments: "{guardrail: true, actions: [{name: deploy, allowed_environments: [production]}]}",
  images: '{guardrail: true, actions: [{name: deploy, allowed_images: [{digest: "sha256:bb", repository: shop/web}]}]}',
  max: "{guardrail: true, tools: [deploy-api], actions: [{name: deploy, max_replicas: 2}]}",
  min: '{guardrail: true, actions: [{name: "*", min_replicas: 4}]}',
  approval:
    '{guardrail: true, actions: [{name: deploy, approval_needed: "has(params.replicas) && params.replicas > 2"}]}',
};
const granting = "{agent: a, actions: [{name: deploy}]}";

describe.each(Object.entries(stopping))("a document whose %s is damaged anywhere", (_name, restriction) => {
  const { document } = policySetOf({ "0.yaml": granting, "1.yaml": restriction }, program).documentOf("a");

  test("stops the call while it is whole", () => {
    expect(enforced(document, call)).toMatch(/^(deny|approval_needed)/);
  });

  test("never lets it through", () => {
    const passed = damages(document, []).filter(({ damaged }) => /^(allow|sanitize)/.test(enforced(damaged, call)));
    expect(passed.map(({ what }) => what)).toEqual([]);
    expect(damages(document, []).length).toBeGreaterThan(50);
  });
});

/** Keys whose absence means something: no restriction of that kind. */
const optional = ["tools", "deny_actions", "approval", "sanitize", "repository"];
/** Read by the server and not by the program. */
const elsewhere = ["limits", "failure_mode"];

/** The document with one part removed, of another kind, or with a key that the program does not know. */
function damages(value: unknown, path: readonly (string | number)[]): { what: string; damaged: unknown }[] {
  if (typeof value !== "object" || value === null) return [];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  const put = (key: string | number, part: unknown): unknown =>
    Array.isArray(value) ? value.with(Number(key), part) : { ...value, [key]: part };
  const own = entries.flatMap(([key, part]) => {
    if (elsewhere.includes(String(key)) || (key === "value" && path.includes("condition"))) return [];
    const at = [...path, key].join(".");
    const others = [null, 7, "x", true, [], {}].filter((other) => kindOf(other) !== kindOf(part));
    const gone =
      Array.isArray(value) || optional.includes(String(key))
        ? []
        : [{ what: `${at} removed`, damaged: put(key, undefined) }];
    const swapped = others.map((other) => ({ what: `${at} = ${JSON.stringify(other)}`, damaged: put(key, other) }));
    const deeper = damages(part, [...path, key]).map(({ what, damaged }) => ({ what, damaged: put(key, damaged) }));
    return [...gone, ...swapped, ...deeper];
  });
  const free = Array.isArray(value) || path.length === 0 || path.includes("condition");
  return free ? own : [...own, { what: `${path.join(".")}.unknown added`, damaged: { ...value, unknown: 1 } }];
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}
