import type { AgentDocument } from "../../src/policies/document.js";
import { loadProgram } from "../../src/policies/program.js";
import { policySetOf } from "../harness/policy_set.js";
import { judge } from "./cases.js";
import { damages, type Fields } from "./damages.js";

const program = loadProgram();

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

/** The call with all that the server finds out about one, and with something in it for every kind of rule. */
const looked = {
  ...call,
  params: { replicas: 3, service: "web-1", note: "http://x.example", mail: "ada@example.com" },
  destination: { host: "deploy.internal", port: 443, scheme: "https" },
  dlp: {
    detectors: ["email", "url", "own"],
    complete: true,
    hits: [
      { detector: "email", in: "params", name: "mail", redactable: false },
      { detector: "own", in: "headers", name: "x-debug", redactable: true },
      { detector: "url", in: "params", name: "note", redactable: false },
    ],
  },
  time: { unix_ms: 1_772_366_400_000, zones: { UTC: { day: 0, minute: 720 } } },
  session: { id: "s-1", bound: true, anomalies: 2, integrity: "suspect" },
  session_attestation: {
    role: "intern",
    clearance: "tier-2",
    data_classification: ["config", "pii"],
    anomalies_detected: true,
    session_integrity: "suspect",
  },
  rego: {
    refusing: { deny: true, requires_human_approval: false, allow: true },
    asking: { deny: false, requires_human_approval: true, allow: false },
    undecided: { deny: false, requires_human_approval: false, allow: false },
    failed: { failed: "deadline" },
  },
};

const guardrail = (action: string): string => `{guardrail: true, actions: [{name: deploy, ${action}}]}`;

/** One restriction each, all of which stop the same call. */
const stopping: Record<string, string> = {
  deny_actions: "{guardrail: true, deny_actions: [deploy]}",
  egress: '{guardrail: true, egress: {allow: [elsewhere.example, "deploy.internal:8443"]}}',
  "egress by wildcard": '{guardrail: true, tools: [deploy-api], egress: {allow: ["*.elsewhere.example"]}}',
  environments: guardrail("allowed_environments: [production]"),
  images: guardrail('allowed_images: [{digest: "sha256:bb", repository: shop/web}]'),
  "images by repository": guardrail("allowed_images: [{repository: shop/db}]"),
  max: "{guardrail: true, tools: [deploy-api], actions: [{name: deploy, max_replicas: 2}]}",
  min: '{guardrail: true, actions: [{name: "*", min_replicas: 4}]}',
  approval: guardrail('approval_needed: "has(params.replicas) && params.replicas > 2"'),
  "approval with terms": guardrail("approval: {when: true, approvers: [sre], quorum: 2, expires_in: 1h, hold: 30s}"),
  "approval that escalates": guardrail("approval: {when: true, approvers: [sre], escalate: {after: 5m, to: [leads]}}"),
  "breach with terms": guardrail("max_replicas: {value: 2, on_violation: approval_needed}, approval: {quorum: 2}"),
  param_required: guardrail("params: {ticket: {required: true}}"),
  param_type: guardrail("params: {replicas: {type: string}}"),
  param_pattern: guardrail('params: {service: {pattern: "[a-z]+"}}'),
  param_enum: guardrail("params: {replicas: {enum: [1, 2]}}"),
  param_forbid: guardrail("params: {note: {forbid: [url]}}"),
  additional: guardrail("additional_params: deny, params: {replicas: {type: integer}}"),
  window_allow: guardrail("windows: {allow: [{days: [mon]}]}"),
  window_deny: guardrail('windows: {deny: [{days: [sun], hours: "11:00-13:00"}]}'),
  session_bound: guardrail("require: {when: params.replicas == 3, clearance: {phi: tier-1}}"),
  session_role: guardrail("require: {roles: [lead]}"),
  session_integrity: guardrail("require: {integrity: clean}"),
  session_anomalies: guardrail("require: {no_anomalies: true}"),
  session_clearance: guardrail("require: {clearance: {PII: [tier-0, tier-1]}}"),
  "require with a condition": guardrail(
    'require: {when: params.replicas > 2 && tool != "other", clearance: {pii: tier-1}}',
  ),
  "require with a condition that fails": guardrail("require: [{when: params.none, integrity: clean}]"),
  "require with terms": guardrail(
    "require: {value: {roles: [a]}, on_violation: approval_needed}, approval: {quorum: 2}",
  ),
  dlp_deny: guardrail("dlp: {email: deny}"),
  "dlp_deny by pattern": guardrail("dlp: {own: {action: deny, pattern: SECRET}}"),
  "dlp_redact in a body": guardrail("dlp: {email: redact}"),
  "dlp_tag that was not looked for": guardrail("dlp: {phone: tag}"),
  "rego that denies": guardrail("rego: [refusing]"),
  "rego that asks": guardrail("rego: [asking]"),
  "rego that does not allow": "{guardrail: true, rego: [undecided]}",
  "rego that failed": guardrail("rego: [failed]"),
  "rego that was not asked": guardrail("rego: [elsewhere]"),
  cost: guardrail("cost: {base: 1, per: {service: 0.5}}"),
};
/** Where another call is needed to be stopped. */
const calls: Record<string, Fields> = { session_bound: { ...looked, session: { id: "open:a", bound: false } } };
const granting = "{agent: a, actions: [{name: deploy}]}";

const damaging = {
  /** Read by the server and not by the program. */
  spared: ["limits", "failure_mode", "needs"],
  /** No restriction of that kind. */
  optional: [
    ...["tools", "deny_actions", "egress", "approval", "sanitize", "repository", "port"],
    ...["on_violation", "terms", "approvers", "quorum", "expires_in_ms", "hold_ms", "escalate"],
    // Without it, what is required is required of every call.
    "when",
  ],
  open: ["per", "set"],
  adding: { except: ["condition", "per", "set"] },
};

describe.each(Object.entries(stopping))("a document whose %s is damaged anywhere", (name, restriction) => {
  const asked = calls[name] ?? looked;
  const { document } = policySetOf({ "0.yaml": granting, "1.yaml": restriction }, program).documentOf("a");
  const all = damages(document, damaging);

  test("stops the call while it is whole", () => {
    expect(enforced(document, asked)).toMatch(/^(deny|approval_needed)/);
  });

  test("never lets it through", () => {
    const passed = all.filter(({ damaged }) => /^(allow|sanitize)/.test(enforced(damaged, asked)));
    expect(passed.map(({ what }) => what)).toEqual([]);
    expect(all.length).toBeGreaterThan(50);
  });
});

test("without any of them the call passes", () => {
  expect(enforced(documentOf(granting), looked)).toBe("allow allowed");
});

/** What is to be changed in the same call, each in one way. */
const changing: Record<string, string> = {
  sanitize: guardrail("sanitize: {headers: {set: {x-a: b}, remove: [x-debug]}, query: {redact: [q]}}"),
  "dlp_redact of a header": guardrail("dlp: {own: {action: redact, pattern: SECRET}}"),
};

describe.each(Object.entries(changing))("a document whose %s is damaged anywhere", (_name, restriction) => {
  const { document } = policySetOf({ "0.yaml": granting, "1.yaml": restriction }, program).documentOf("a");

  /** What is changed in the call; `stopped` when it does not pass. */
  function changes(of: unknown): unknown {
    const [answer] = judge(program, { policies: { a: of as AgentDocument }, input: looked }) as { enforced: Fields }[];
    const { verdict, sanitize, redact } = answer?.enforced ?? { verdict: "deny" };
    return /^(allow|sanitize)$/.test(String(verdict)) ? { sanitize, redact } : "stopped";
  }

  test("changes the call while it is whole", () => {
    expect(enforced(document, looked)).toBe("sanitize sanitized");
  });

  test("never lets it through otherwise", () => {
    const wanted = JSON.stringify(changes(document));
    const all = damages(document, damaging).map(({ what, damaged }) => ({ what, now: changes(damaged) }));
    const otherwise = all.filter(({ now }) => now !== "stopped" && JSON.stringify(now) !== wanted);
    expect(otherwise.map(({ what }) => what)).toEqual([]);
    expect(all.length).toBeGreaterThan(50);
  });
});
