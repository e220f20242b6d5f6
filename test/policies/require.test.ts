import { createEngine } from "../../src/evaluate/engine.js";
import { rejudge } from "../../src/evaluate/rejudge.js";
import type { AgentDocument } from "../../src/policies/document.js";
import { loadProgram } from "../../src/policies/program.js";
import { readCall } from "../../src/policy_tools/case_input.js";
import { createRegoPool } from "../../src/rego/pool.js";
import { policySetOf } from "../harness/policy_set.js";

const program = loadProgram();
const engine = createEngine(program);
const rego = createRegoPool({ workers: 0 });
afterAll(() => rego.close());

const policies = (action: string) => policySetOf({ "p.yaml": `{agent: a, actions: [{name: x, ${action}}]}` }, program);
const documentOf = (action: string): AgentDocument => policies(action).documentOf("a").document;

/** Verdict, and every broken rule, of a call with these parts. */
async function judged(action: string, call: string): Promise<string> {
  const input = readCall("call.yaml", `{agent: a, tool: t, action: x, ${call}}`, 0);
  const { computed } = await rejudge(input, { policies: policies(action), engine, rego });
  return [computed.verdict, ...computed.violations.map(({ rule }) => rule)].join(" ");
}

describe("what is required", () => {
  const all = "require: {roles: [lead], integrity: clean, no_anomalies: true, clearance: {pii: tier-1}}";
  test.each<[string, string, string]>([
    [all, "session: {role: lead}", "allow"],
    [all, "session: {role: lead, data_classification: [config, non-pii], calls: 7, tools: [t]}", "allow"],
    [all, "session: {role: lead, data_classification: [pii], clearance: tier-1}", "allow"],
    [
      all,
      "session: {bound: false, integrity: suspect, anomalies: 1, data_classification: [pii], clearance: tier-2}",
      "deny session_unbound session_role session_not_clean session_anomalies session_touched_pii",
    ],
    [
      all,
      "environment: a",
      "deny session_unbound session_role session_not_clean session_anomalies session_touched_pii",
    ],

    ["require: {roles: [lead, sre]}", "session: {role: sre}", "allow"],
    ["require: {roles: [lead, sre]}", "session: {role: Lead}", "deny session_role"],
    ["require: {roles: [lead, sre]}", "session: {}", "deny session_role"],
    ["require: {roles: [lead]}", "session: {role: lead, bound: false}", "deny session_unbound"],
    ["require: {roles: [lead]}", "session: {role: lead}, attestation: {role: intern}", "deny session_role"],
    ["require: {roles: [lead]}", "params: {role: lead}, facts: {role: lead}, session: {}", "deny session_role"],

    ["require: {integrity: clean}", "session: {}", "allow"],
    ["require: {integrity: clean}", "session: {integrity: suspect}", "deny session_not_clean"],
    ["require: {integrity: clean}", "session: {integrity: compromised}", "deny session_not_clean"],
    ["require: {integrity: clean}", "attestation: {session_integrity: suspect}", "deny session_not_clean"],
    ["require: {integrity: clean}", "session: {anomalies: 1}", "allow"],

    ["require: {no_anomalies: true}", "session: {}", "allow"],
    ["require: {no_anomalies: true}", "session: {anomalies: 1}", "deny session_anomalies"],
    ["require: {no_anomalies: true}", "attestation: {anomalies_detected: true}", "deny session_anomalies"],
    ["require: {no_anomalies: true}", "session: {integrity: suspect}", "allow"],

    ["require: {clearance: {pii: tier-1}}", "session: {}", "allow"],
    ["require: {clearance: {pii: tier-1}}", "session: {data_classification: [pii]}", "deny session_touched_pii"],
    ["require: {clearance: {pii: tier-1}}", "session: {data_classification: [PII]}", "deny session_touched_pii"],
    ["require: {clearance: {PII: tier-1}}", "session: {data_classification: [pii]}", "deny session_touched_PII"],
    ["require: {clearance: {pii: tier-1}}", "attestation: {data_classification: [pii]}", "deny session_touched_pii"],
    [
      "require: {clearance: {pii: [tier-0, tier-1]}}",
      "session: {data_classification: [pii], clearance: tier-0}",
      "allow",
    ],
    [
      "require: {clearance: {pii: [tier-0, tier-1], phi: tier-0}}",
      "session: {data_classification: [phi, pii], clearance: tier-1}",
      "deny session_touched_phi",
    ],
  ])("%s, of a call with %s: %s", async (action, call, wanted) => expect(await judged(action, call)).toBe(wanted));
});

describe("for which calls", () => {
  const production = `require: {when: env == "production" && params.replicas > 2, roles: [lead]}`;
  const two = `require: [{when: env == "production", roles: [lead]}, {integrity: clean}]`;
  test.each<[string, string, string]>([
    [production, "environment: production, params: {replicas: 3}, session: {role: lead}", "allow"],
    [production, "environment: production, params: {replicas: 3}", "deny session_unbound session_role"],
    [production, "environment: production, params: {replicas: 2}", "allow"],
    [production, "environment: staging", "allow"],
    // What cannot be told excuses nobody.
    [production, "environment: production", "deny session_unbound session_role"],
    [production, "environment: production, params: {replicas: many}", "deny session_unbound session_role"],
    [production, "params: {replicas: 3}", "deny session_unbound session_role"],
    [production, "environment: Production, params: {replicas: 3}", "deny session_unbound session_role"],
    [two, "environment: staging, session: {}", "allow"],
    [two, "environment: staging, session: {integrity: suspect}", "deny session_not_clean"],
    [two, "environment: production, session: {integrity: suspect}", "deny session_role session_not_clean"],
    [two, "environment: staging", "deny session_unbound session_not_clean"],
  ])("%s, of a call with %s: %s", async (action, call, wanted) => expect(await judged(action, call)).toBe(wanted));
});

describe("as every rule", () => {
  const approved = "require: {value: {integrity: clean}, on_violation: approval_needed}";
  test.each<[string, string, string]>([
    [approved, "session: {integrity: suspect}", "approval_needed session_not_clean"],
    [approved, "session: {integrity: suspect}, approval: true", "allow"],
    [
      `on_violation: approval_needed, ${approved}, max_n: 1`,
      "params: {n: 2}, session: {anomalies: 1}",
      "approval_needed max_n",
    ],
    [`${approved}, max_n: 1`, "params: {n: 2}, session: {integrity: suspect}", "deny max_n"],
    // An approval that is asked for anyway lets no breach pass.
    ["require: {integrity: clean}, approval_needed: true", "session: {integrity: suspect}", "deny session_not_clean"],
  ])("%s, of a call with %s: %s", async (action, call, wanted) => expect(await judged(action, call)).toBe(wanted));

  test("it may be in shadow", async () => {
    const set = policies("require: {value: {integrity: clean}, mode: shadow}");
    const input = readCall("call.yaml", "{agent: a, tool: t, action: x, session: {integrity: suspect}}", 0);
    const { computed, enforced } = await rejudge(input, { policies: set, engine, rego });
    expect([computed.verdict, enforced.verdict]).toEqual(["deny", "allow"]);
  });

  test("its breaches come after those of windows and before those of dlp", async () => {
    const action = `dlp: {email: deny}, require: {integrity: clean}, windows: {deny: [{hours: "00:00-24:00"}]}, max_n: 1`;
    const call = "params: {n: 2, to: ada@example.com}, session: {integrity: suspect}";
    expect(await judged(action, call)).toBe("deny max_n windows session_not_clean dlp");
  });
});

test("what is told of each breach", async () => {
  const action = "require: {roles: [lead], integrity: clean, no_anomalies: true, clearance: {pii: [tier-1]}}";
  const call =
    "session: {role: intern, clearance: tier-2, integrity: suspect, anomalies: 2, data_classification: [pii], bound: false}";
  const input = readCall("call.yaml", `{agent: a, tool: t, action: x, ${call}}`, 0);
  const { computed } = await rejudge(input, { policies: policies(action), engine, rego });
  const message = expect.any(String);
  expect(computed.violations).toEqual([
    { rule: "session_unbound", message },
    { rule: "session_role", limit: ["lead"], actual: "intern", message },
    { rule: "session_not_clean", limit: "clean", actual: "suspect", message },
    { rule: "session_anomalies", actual: 2, message },
    { rule: "session_touched_pii", limit: ["tier-1"], actual: "tier-2", message },
  ]);
});

test("a session that nobody looked at is told apart from one that is not as it has to be", async () => {
  const input = readCall("call.yaml", "{agent: a, tool: t, action: x}", 0);
  const action = "require: {roles: [lead], clearance: {pii: tier-1}}";
  const { computed } = await rejudge(input, { policies: policies(action), engine, rego });
  const unknown = "nothing is known of the session, and the policy asks what it did and who is behind it";
  expect(computed.violations).toEqual([
    { rule: "session_unbound", message: "the credential of the call binds no session" },
    { rule: "session_role", limit: ["lead"], actual: null, message: unknown },
    { rule: "session_touched_pii", limit: ["tier-1"], actual: null, message: unknown },
  ]);
});

test("maps for the same calls ask for one bound session", () => {
  const action = `require: [{roles: [a]}, {when: env == "p", roles: [b]}, {integrity: clean}, {when: env == "p", integrity: clean}]`;
  const [entry] = documentOf(action).files[0]?.actions ?? [];
  expect(entry?.rules.map((rule) => [rule.rule, "when" in rule ? rule.when?.source : undefined])).toEqual([
    ["session_unbound", undefined],
    ["session_role", undefined],
    ["session_unbound", 'env == "p"'],
    ["session_role", 'env == "p"'],
    ["session_not_clean", undefined],
    ["session_not_clean", 'env == "p"'],
  ]);
});

describe("sessions are looked up", () => {
  test.each<[string, boolean]>([
    ["max_n: 1", false],
    ["require: {integrity: clean}", true],
    ["require: {value: {roles: [a]}, mode: shadow}", true],
    ["approval_needed: session.bound && session.role == 'lead' && session.id != ''", false],
    ["approval_needed: has(session.role) || has(params.session)", false],
    [`approval_needed: '"pii" in params.data_classification'`, false],
    ["rego: [agent.deploy]", true],
    ["approval_needed: session.anomalies > 0", true],
    [`approval_needed: '"pii" in session.data_classification'`, true],
    ["approval: {when: has(session.integrity)}", true],
    ["approval_needed: size(session.tools) > 3", true],
    ["approval_needed: env == attestation.role", true],
    ["approval_needed: has(attestation.role)", true],
    ["approval_needed: size(session) > 3", true],
    ["approval_needed: session == session", true],
    [`approval_needed: '"anomalies" in session'`, true],
  ])("for a policy with %s: %s", (action, wanted) => expect(documentOf(action).needs.session).toBe(wanted));

  test("for the agents of that policy alone", () => {
    const set = policySetOf(
      {
        "a.yaml": "{agent: a, actions: [{name: x, require: {integrity: clean}}]}",
        "b.yaml": "{agents: [a, b], actions: [{name: y}]}",
      },
      program,
    );
    const needs = (agent: string) => set.documentOf(agent).document.needs.session;
    expect([needs("a"), needs("b"), needs("c")]).toEqual([true, false, false]);
    const guarded = policySetOf(
      { "g.yaml": "{guardrail: true, actions: [{name: x, require: {roles: [a]}}]}" },
      program,
    );
    expect(guarded.documentOf("anybody").document.needs.session).toBe(true);
  });
});
