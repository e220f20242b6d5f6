import type { AgentDocument } from "../../src/policies/document.js";
import { loadProgram } from "../../src/policies/program.js";
import type { Mode } from "../../src/verdict.js";
import { policySetOf } from "../harness/policy_set.js";

const program = loadProgram();

function compile(files: Record<string, string>, mode: Mode = "enforce") {
  return policySetOf(files, program, mode);
}

function only(text: string, agent = "deploy-manager", mode: Mode = "enforce"): AgentDocument {
  return compile({ "p.yaml": text }, mode).documentOf(agent).document;
}

const digest = "sha256:7173b809ca12ec5dee4506cd86be934c4596dd234ee82c0662eac04a8c2c71dc";
const needs = { detectors: [], patterns: [], zones: [], rego: [], session: false };
const production = {
  atoms: [{ op: "==", left: { path: ["environment"] }, right: { value: "production" } }],
  any: [[{ atom: 0, negated: false }]],
};

test("the template as written", () => {
  const text = `agent: deploy-manager          # or agents: [a, b]; "*" = agents without a policy of their own
mode: enforce                  # or shadow; per file, per action, per rule
tools: [deploy-api]            # default: all
actions:
  - name: deploy
    allowed_environments: ["staging"]
    approval_needed: env == "production"
    allowed_images:
      - digest: "sha256:..."
    max_replicas: 50                          # max_<param> / min_<param> for any numeric parameter
`;
  expect(only(text)).toEqual({
    mode: "enforce",
    failure_mode: "enforce",
    files: [
      {
        file: "p.yaml",
        guardrail: false,
        grants: true,
        tools: ["deploy-api"],
        actions: [
          {
            name: "deploy",
            rules: [
              { rule: "allowed_environments", kind: "environments", values: ["staging"], mode: "enforce" },
              { rule: "allowed_images", kind: "images", images: [{ digest: "sha256:..." }], mode: "enforce" },
              { rule: "max_replicas", kind: "max", param: "replicas", limit: 50, mode: "enforce" },
            ],
            approval: { source: 'env == "production"', mode: "enforce", condition: production },
          },
        ],
      },
    ],
    limits: {},
    needs,
  });
});

test("the short template with blank lines between the lines", () => {
  const lines = [
    "agent: deploy-manager",
    "actions:",
    "  - name: deploy",
    '    allowed_environments: ["staging"]',
    '    approval_needed: env == "production"',
    "    allowed_images:",
    '      - digest: "sha256:...approved..."',
    "    max_replicas: 50",
  ];
  const document = only(lines.join("\n\n"));
  expect(document).toEqual(only(lines.join("\n")));
  expect(document.files[0]?.tools).toBeUndefined();
  expect(document.files[0]?.actions[0]?.rules.map(({ rule }) => rule)).toEqual([
    "allowed_environments",
    "allowed_images",
    "max_replicas",
  ]);
});

test("JSON is YAML", () => {
  expect(only('{"agent": "a", "actions": [{"name": "read"}]}', "a")).toEqual(
    only("agent: a\nactions:\n  - name: read", "a"),
  );
});

describe("who a file is for", () => {
  const files = {
    "1-own.yaml": "agents: [a, b]\nactions: [{name: own}]",
    "2-more.yaml": "agent: a\nactions: [{name: more}]",
    "3-rest.yaml": 'agent: "*"\nactions: [{name: rest}]',
    "4-guard.yaml": "guardrail: true\ndeny_actions: [never]",
  };
  const filesOf = (agent: string): string[] =>
    compile(files)
      .documentOf(agent)
      .document.files.map(({ file }) => file);

  test("every file that names the agent, and every guardrail", () => {
    expect(filesOf("a")).toEqual(["1-own.yaml", "2-more.yaml", "4-guard.yaml"]);
    expect(filesOf("b")).toEqual(["1-own.yaml", "4-guard.yaml"]);
  });

  test('"*" is for agents that no file names', () => {
    expect(filesOf("c")).toEqual(["3-rest.yaml", "4-guard.yaml"]);
    expect(compile(files).documentOf("c").id).toBe("*");
    expect(compile(files).documentOf("*").id).toBe("*");
    expect([...compile(files).documents.keys()]).toEqual(["*", "a", "b"]);
  });

  test("guardrails never grant", () => {
    expect(
      compile(files)
        .documentOf("a")
        .document.files.map(({ grants }) => grants),
    ).toEqual([true, true, false]);
  });

  test("without any file for them, agents have a document that grants nothing", () => {
    expect(compile({ "a.yaml": "agent: a\nactions: []" }).documentOf("z").document).toEqual({
      mode: "enforce",
      failure_mode: "enforce",
      files: [],
      limits: {},
      needs,
    });
  });

  test.each(["__proto__", "constructor", "toString"])("an agent called %s has no document of its own", (agent) => {
    expect(compile(files).documentOf(agent).id).toBe("*");
  });
});

describe("modes", () => {
  const text = (mode: string) => `${mode}
agent: a
deny_actions: {value: [x], mode: enforce}
actions:
  - name: one
    mode: enforce
    max_n: 1
    min_n: {value: 0, mode: shadow}
    sanitize: {headers: {remove: [x-debug]}}
  - name: two
    allowed_environments: [staging]
    approval_needed: {value: true, mode: enforce}
    sanitize: {headers: {remove: [x-debug]}}
`;
  const modes = ({ mode, files }: AgentDocument) => ({
    document: mode,
    deny: files[0]?.deny_actions?.mode,
    rules: files[0]?.actions.flatMap(({ rules }) => rules.map(({ rule, mode: own }) => `${rule} ${own}`)),
    approval: files[0]?.actions[1]?.approval?.mode,
    sanitize: files[0]?.actions.map(({ sanitize_mode }) => sanitize_mode),
  });

  test("the rule's own comes before the action's, the file's and the configuration's", () => {
    const wanted = {
      document: "shadow",
      deny: "enforce",
      rules: ["max_n enforce", "min_n shadow", "allowed_environments shadow"],
      approval: "enforce",
      sanitize: ["enforce", "shadow"],
    };
    expect(modes(only(text("mode: shadow"), "a"))).toEqual(wanted);
    expect(modes(only(text(""), "a", "shadow"))).toEqual(wanted);
    expect(modes(only(text("mode: enforce"), "a", "shadow")).document).toBe("enforce");
  });

  test("what no rule decides is in shadow only when every file that grants is", () => {
    const shadow = "agent: a\nmode: shadow\nactions: [{name: x}]";
    const enforce = "agent: a\nmode: enforce\nactions: [{name: y}]";
    const guard = "guardrail: true\nmode: enforce\ndeny_actions: [z]";
    const of = (files: Record<string, string>) => compile(files).documentOf("a").document;
    expect(of({ "1.yaml": shadow, "2.yaml": shadow })).toMatchObject({ mode: "shadow", failure_mode: "shadow" });
    expect(of({ "1.yaml": shadow, "2.yaml": enforce })).toMatchObject({ mode: "enforce", failure_mode: "enforce" });
    expect(of({ "1.yaml": shadow, "2.yaml": guard })).toMatchObject({ mode: "shadow", failure_mode: "enforce" });
    expect(of({ "1.yaml": shadow, "2.yaml": "agent: a\nmode: enforce\nlimits: {rate: 1/s}" }).failure_mode).toBe(
      "enforce",
    );
  });

  test("one enforced rule in a file in shadow is enough for failures to count", () => {
    const rule = (text: string) => only(`{agent: a, mode: shadow, actions: [{name: x, ${text}}]}`, "a").failure_mode;
    expect(rule("max_n: 1")).toBe("shadow");
    expect(rule("max_n: {value: 1, mode: enforce}")).toBe("enforce");
    expect(rule("approval_needed: {value: true, mode: enforce}")).toBe("enforce");
    expect(rule("mode: enforce, sanitize: {query: {remove: [a]}}")).toBe("enforce");
  });
});

describe("rules", () => {
  const action = (text: string) => only(`{agent: a, actions: [{name: x, ${text}}]}`, "a").files[0]?.actions[0];

  test("stand in one order, however they are written", () => {
    const written =
      "min_b: 1, max_b: 2, approval_needed: true, min_a: 0, allowed_images: [], max_a: 3, allowed_environments: []";
    expect(action(written)?.rules.map(({ rule }) => rule)).toEqual([
      "allowed_environments",
      "allowed_images",
      "max_a",
      "max_b",
      "min_a",
      "min_b",
    ]);
  });

  test("images keep their repository where one is given", () => {
    expect(
      action(`allowed_images: [{digest: "${digest}", repository: shop/web}, {digest: "${digest}"}]`)?.rules,
    ).toEqual([
      {
        rule: "allowed_images",
        kind: "images",
        images: [{ digest, repository: "shop/web" }, { digest }],
        mode: "enforce",
      },
    ]);
  });

  test("approval_needed is a condition, true or false", () => {
    expect(action("approval_needed: true")?.approval?.condition).toEqual({
      atoms: [{ op: "is", left: { value: true } }],
      any: [[{ atom: 0, negated: false }]],
    });
    expect(action("approval_needed: false")).toEqual({ name: "x", rules: [] });
    expect(action('approval_needed: "true"')?.approval?.source).toBe("true");
  });

  test("sanitize has all of its parts", () => {
    expect(action('sanitize: {headers: {set: {x-safe: "1"}}, query: {remove: [token]}}')).toEqual({
      name: "x",
      rules: [],
      sanitize: {
        headers: { set: { "x-safe": "1" }, remove: [], redact: [] },
        query: { set: {}, remove: ["token"], redact: [] },
      },
      sanitize_mode: "enforce",
    });
  });

  test("a `*` at the end of a denied action stands for any rest", () => {
    const denied = only('{agent: a, deny_actions: ["iam:*", delete, "*"]}', "a").files[0]?.deny_actions;
    expect(denied).toEqual({ exact: ["delete"], prefixes: ["iam:", ""], mode: "enforce" });
  });
});
