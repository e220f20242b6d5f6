import { loadCatalogue } from "../../src/decode/catalogue.js";
import { findingText, lintPolicies } from "../../src/policy_tools/lint/lint.js";
import type { checks } from "../../src/policy_tools/lint/table.js";
import { parsePeopleFile } from "../../src/registry/people_file.js";
import { engine, policies } from "./fixture.js";

const tools = `tools:
  - name: deploy-api
    match: {hosts: [deploy.internal], path: /deploy}
    action: deploy
    environment: staging
    params: {replicas: "{body.spec.replicas}", region: "{body.region}"}
  - name: reader
    match: {hosts: [reader.internal], path: /read}
    action: read
    environment: production
    params: {page: "{query.page}"}
  - name: open
    match: {hosts: [open.internal], path: "/{action}"}
    action: "{path.action}"
  - name: bare
    match: {hosts: [bare.internal], path: /bare}
    action: bare
`;
const people = `people:
  - {id: alice, access: [approver], groups: [sre]}
  - {id: bob, access: [approver], groups: [sre, leads]}
  - {id: eve, access: [viewer], groups: [security]}
`;

type Files = Record<string, string>;

function found(files: Files, more: { tools?: string; mode?: "enforce" | "shadow" } = {}): string[] {
  const texts = Object.entries(files).map(([file, text]) => ({ file, text }));
  const options = {
    catalogue: loadCatalogue("tools.yaml", more.tools ?? tools),
    people: parsePeopleFile("people.yaml", people).map(({ person }) => person),
    engine,
  };
  return lintPolicies(texts, policies(files, more.mode), options).map(findingText);
}

const action = (text: string, top = "agent: a\ntools: [deploy-api]"): Files => ({
  "p.yaml": `${top}\nactions:\n  - {name: deploy, ${text}}`,
});

/** Per check: policies and what is to be said of them. */
const cases: Record<keyof typeof checks, [Files, string[]][]> = {
  "empty-list": [
    [
      action("allowed_environments: []"),
      [
        "p.yaml:4:42: warning: actions[0].allowed_environments: an empty list permits nothing, so every call breaks it (empty-list)",
      ],
    ],
    [
      action("allowed_images: {value: []}"),
      [
        "p.yaml:4:36: warning: actions[0].allowed_images: an empty list permits nothing, so every call breaks it (empty-list)",
      ],
    ],
    [
      action("max_replicas: 1", "agent: a\ntools: [deploy-api]\negress: {allow: []}"),
      ["p.yaml:3:9: warning: egress: an empty list permits no host at all (empty-list)"],
    ],
  ],
  "crossed-bounds": [
    [
      action("min_replicas: 3, max_replicas: 2"),
      [
        "p.yaml:4:34: warning: actions[0].min_replicas: min_replicas 3 is above max_replicas 2: no value satisfies both (crossed-bounds)",
      ],
    ],
    [
      action("min_replicas: 3}\n  - {name: deploy, max_replicas: 2"),
      [
        "p.yaml:4:34: warning: actions[0].min_replicas: min_replicas 3 is above max_replicas 2: no value satisfies both (crossed-bounds)",
      ],
    ],
    [action("min_replicas: 2, max_replicas: 2"), []],
  ],
  "param-values": [
    [
      action("params: {replicas: {type: integer, enum: [1, 1.5, two]}}, max_replicas: 0"),
      [
        "p.yaml:4:62: warning: actions[0].params.replicas.enum[0]: 1 is never let through: it breaks max_replicas (param-values)",
        "p.yaml:4:65: warning: actions[0].params.replicas.enum[1]: 1.5 is never let through: it is no integer (param-values)",
        'p.yaml:4:70: warning: actions[0].params.replicas.enum[2]: "two" is never let through: it is no integer (param-values)',
      ],
    ],
    [
      action('params: {region: {pattern: "[a-z]{2}", enum: [eu, "eu-1"]}}'),
      [
        'p.yaml:4:70: warning: actions[0].params.region.enum[1]: "eu-1" is never let through: it does not match the pattern as a whole (param-values)',
      ],
    ],
    [
      action("params: {replicas: {type: string}}, max_replicas: 5"),
      [
        "p.yaml:4:70: warning: actions[0].max_replicas: params says that replicas is a string, which breaks max_replicas (param-values)",
      ],
    ],
    [action("params: {replicas: {type: number, enum: [1, 2]}, region: {type: list, enum: [eu]}}, max_replicas: 5"), []],
  ],
  "covered-windows": [
    [
      action("windows: {allow: [{days: [mon], hours: 09:00-12:00}], deny: [{days: [mon-tue], hours: 08:00-12:00}]}"),
      [
        "p.yaml:4:29: warning: actions[0].windows: every time that is allowed is denied too, so no call passes (covered-windows)",
      ],
    ],
    [
      action("windows: {allow: [{days: [mon], hours: 09:00-12:01}], deny: [{days: [mon-tue], hours: 08:00-12:00}]}"),
      [],
    ],
    [action("windows: {deny: [{days: [mon]}]}"), []],
  ],
  "constant-condition": [
    [
      action(`approval_needed: env == "a" && env == "b"`),
      ["p.yaml:4:37: warning: actions[0].approval_needed: this condition can never be true (constant-condition)"],
    ],
    [
      action(`approval: {when: 'params.n > 5 || params.n <= 5'}`),
      ["p.yaml:4:37: warning: actions[0].approval.when: this condition is always true (constant-condition)"],
    ],
    [action("approval_needed: true"), []],
    [action(`approval_needed: env == "a" || env == "b"`), []],
  ],
  "denied-anyway": [
    [
      {
        ...action("max_replicas: 5"),
        "g.yaml": "guardrail: true\ndeny_actions: [DEP*]",
        "q.yaml": "agent: a\ntools: [deploy-api]\nactions: [{name: deploy}]",
      },
      [
        "p.yaml:4:12: warning: actions[0].name: deny_actions of g.yaml refuses deploy to this agent whatever is said here (denied-anyway)",
        "q.yaml:3:18: warning: actions[0].name: deny_actions of g.yaml refuses deploy to this agent whatever is said here (denied-anyway)",
      ].filter((line) => !line.endsWith("deny")),
    ],
    [
      { ...action("max_replicas: 5"), "g.yaml": "guardrail: true\ntools: [deploy-api, open]\ndeny_actions: [deploy]" },
      [
        "p.yaml:4:12: warning: actions[0].name: deny_actions of g.yaml refuses deploy to this agent whatever is said here (denied-anyway)",
      ],
    ],
    [{ ...action("max_replicas: 5"), "g.yaml": "guardrail: true\ntools: [open]\ndeny_actions: [deploy]" }, []],
    [
      {
        ...action("max_replicas: 5", "agents: [a, b]\ntools: [deploy-api]"),
        "g.yaml": "agent: b\ntools: [deploy-api]\ndeny_actions: [deploy]",
      },
      [],
    ],
    [
      {
        ...action("max_replicas: 5"),
        "g.yaml": "guardrail: true\ndeny_actions: {value: [deploy], on_violation: approval_needed}",
      },
      [],
    ],
  ],
  "nothing-granted": [
    [
      { "p.yaml": "agent: a\nlimits: {rate: 5/s}" },
      [
        'p.yaml:1:8: warning: agent: no file for a lists an action, and files for "*" do not count for it: every call is refused (nothing-granted)',
      ],
    ],
    [
      { "p.yaml": 'agents: ["*"]\ndeny_actions: [deploy]' },
      ["p.yaml:1:9: warning: agents: no file for * lists an action: every call is refused (nothing-granted)"],
    ],
    [{ ...action("max_replicas: 5"), "q.yaml": "agent: a\nlimits: {rate: 5/s}" }, []],
  ],
  "without-effect": [
    [
      action("mode: enforce", "guardrail: true\ntools: [deploy-api]"),
      [
        "p.yaml:4:12: warning: actions[0].name: a guardrail grants nothing, and this entry of deploy restricts nothing either (without-effect)",
      ],
    ],
    [
      action("max_replicas: 5, approval: {quorum: 2}"),
      ["p.yaml:4:47: warning: actions[0].approval: nothing in this entry asks for an approval (without-effect)"],
    ],
    [action("max_replicas: {value: 5, on_violation: approval_needed}, approval: {quorum: 2}"), []],
    [action("approval: {when: true, quorum: 2}"), []],
  ],
  "repeated-name": [
    [
      {
        "p.yaml":
          "agents: [a, b, a]\ntools: [open, open]\ndeny_actions: [x, x]\nactions: [{name: y, allowed_environments: {value: [s, s]}, approval: {when: true, approvers: [sre, sre]}}]",
      },
      [
        "p.yaml:1:16: warning: agents[2]: a is named twice (repeated-name)",
        "p.yaml:2:15: warning: tools[1]: open is named twice (repeated-name)",
        "p.yaml:3:19: warning: deny_actions[1]: x is named twice (repeated-name)",
        "p.yaml:4:43: warning: actions[0].allowed_environments: no tool of this file names an environment, so this is always broken (unknown-environment)",
        "p.yaml:4:55: warning: actions[0].allowed_environments.value[1]: s is named twice (repeated-name)",
        "p.yaml:4:100: warning: actions[0].approval.approvers[1]: sre is named twice (repeated-name)",
      ],
    ],
  ],
  "unknown-tool": [
    [
      { "p.yaml": "agent: a\ntools: [deploy-api, deploy]\nactions: [{name: deploy}]" },
      ["p.yaml:2:21: warning: tools[1]: the catalogue has no tool deploy (unknown-tool)"],
    ],
    [
      { "p.yaml": "agent: a\ntools: [deploy]\nactions: [{name: x, max_n: 1, allowed_environments: [y]}]" },
      ["p.yaml:2:9: warning: tools[0]: the catalogue has no tool deploy (unknown-tool)"],
    ],
  ],
  "unknown-action": [
    [
      {
        "p.yaml":
          "agent: a\ntools: [deploy-api, reader]\ndeny_actions: [rea*, write]\nactions: [{name: deploy}, {name: read}, {name: drain}]",
      },
      [
        "p.yaml:3:22: warning: deny_actions[1]: no tool of this file has the action write; there are deploy, read (unknown-action)",
        "p.yaml:4:48: warning: actions[2].name: no tool of this file has the action drain; there are deploy, read (unknown-action)",
      ]
        .filter((line) => !line.endsWith("deny"))
        .concat([
          "p.yaml:4:34: warning: actions[1].name: deny_actions of p.yaml refuses read to this agent whatever is said here (denied-anyway)",
        ]),
    ],
    [{ "p.yaml": "agent: a\ntools: [deploy-api, open]\nactions: [{name: drain}]" }, []],
    [{ "p.yaml": 'agent: a\ntools: [reader]\nactions: [{name: "*"}]' }, []],
  ],
  "unknown-param": [
    [
      action("max_replica: 5, params: {regoin: {required: true}}, cost: {per: {n: 1}}"),
      [
        "p.yaml:4:33: warning: actions[0].max_replica: the tools of this file have no parameter replica; they have region, replicas (unknown-param)",
        "p.yaml:4:53: warning: actions[0].params.regoin: the tools of this file have no parameter regoin; they have region, replicas (unknown-param)",
        "p.yaml:4:88: warning: actions[0].cost.per.n: the tools of this file have no parameter n; they have region, replicas (unknown-param)",
      ],
    ],
    [action("max_replica: 5", "agent: a"), []],
  ],
  "unknown-environment": [
    [
      action("allowed_environments: [staging, production]"),
      [
        "p.yaml:4:52: warning: actions[0].allowed_environments[1]: no tool of this file has the environment production (unknown-environment)",
      ],
    ],
    [
      { "p.yaml": "agent: a\ntools: [bare]\nactions: [{name: bare, allowed_environments: [staging]}]" },
      [
        "p.yaml:3:46: warning: actions[0].allowed_environments: no tool of this file names an environment, so this is always broken (unknown-environment)",
      ],
    ],
  ],
  "free-budget": [
    [
      { "p.yaml": "agent: a\nlimits: {daily_budget: 5}\nactions: [{name: deploy}]" },
      ["p.yaml:2:24: warning: limits.daily_budget: no tool and no policy says what a call costs (free-budget)"],
    ],
    [{ "p.yaml": "agent: a\nlimits: {daily_budget: 5}\nactions: [{name: deploy, cost: 1}]" }, []],
  ],
  approvers: [
    [
      action("approval: {when: true, approvers: [sre, security]}"),
      ["p.yaml:4:60: warning: actions[0].approval.approvers[1]: no approver is in the group security (approvers)"],
    ],
    [
      action("approval: {when: true, approvers: [leads], quorum: 2}"),
      ["p.yaml:4:71: warning: actions[0].approval.quorum: 2 people have to approve, and only 1 can (approvers)"],
    ],
    [
      action("approval: {when: true, quorum: 3}"),
      ["p.yaml:4:51: warning: actions[0].approval.quorum: 3 people have to approve, and only 2 can (approvers)"],
    ],
    [action("approval: {when: true, quorum: 2}"), []],
  ],
  shadow: [
    [
      action("max_replicas: 5", "agent: a\nmode: shadow\ntools: [deploy-api]"),
      ["p.yaml:2:7: note: mode: this file is in shadow (shadow)"],
    ],
    [
      action("mode: shadow, max_replicas: 5"),
      ["p.yaml:4:26: note: actions[0].mode: action deploy is in shadow (shadow)"],
    ],
    [
      action(
        "max_replicas: {value: 5, mode: shadow}, params: {region: {type: string, mode: shadow}}, approval_needed: {value: true, mode: shadow}",
      ),
      [
        "p.yaml:4:34: note: actions[0].max_replicas: max_replicas of action deploy is in shadow (shadow)",
        "p.yaml:4:77: note: actions[0].params.region: params.region of action deploy is in shadow (shadow)",
        "p.yaml:4:125: note: actions[0].approval_needed: the condition of action deploy is in shadow (shadow)",
      ],
    ],
    [
      action("max_replicas: 5", "agent: a\ntools: [deploy-api]\negress: {value: {allow: [h]}, mode: shadow}"),
      ["p.yaml:3:9: note: egress: egress is in shadow (shadow)"],
    ],
  ],
};

for (const [name, rows] of Object.entries(cases)) {
  test.each(rows)(`${name}: %j`, (files, wanted) => expect([...found(files)].sort()).toEqual([...wanted].sort()));
}

test("a budget is taken from where a tool costs something", () => {
  const priced = tools.replace("action: read", "action: read\n    cost: 1");
  expect(
    found({ "p.yaml": "agent: a\nlimits: {daily_budget: 5}\nactions: [{name: deploy}]" }, { tools: priced }),
  ).toEqual([]);
});

test("without a catalogue and people nothing is said that depends on them", () => {
  const files = {
    "p.yaml":
      "agent: a\ntools: [nope]\nlimits: {daily_budget: 1}\nactions: [{name: x, max_n: 1, approval: {when: true, approvers: [z]}}]",
  };
  const texts = Object.entries(files).map(([file, text]) => ({ file, text }));
  expect(lintPolicies(texts, policies(files), { catalogue: null, people: null, engine })).toEqual([]);
});
