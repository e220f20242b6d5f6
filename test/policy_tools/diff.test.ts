import { diffPolicies } from "../../src/policy_tools/diff/diff.js";
import { diffLines } from "../../src/policy_tools/diff/text.js";
import { policies } from "./fixture.js";

function lines(before: Record<string, string>, after: Record<string, string>): string[] {
  return diffLines(diffPolicies(policies(before), policies(after)));
}

/** Of two versions of the one action in the one file of the one agent. */
function ofAction(before: string, after: string, top = "agent: bot"): string[] {
  const file = (action: string) => ({ "p.yaml": `${top}\nactions:\n  - {name: x, ${action}}` });
  return lines(
    { ...file(before), "rest.yaml": 'agent: "*"\nactions: []' },
    { ...file(after), "rest.yaml": 'agent: "*"\nactions: []' },
  ).map((line) => line.replace("bot, p.yaml, action x: ", ""));
}

test.each<[string, string, string[]]>([
  ["max_n: 50", "max_n: 10", ["max_n 50 -> 10 (stricter)"]],
  ["max_n: 10", "max_n: 50", ["max_n 10 -> 50 (looser)"]],
  ["min_n: 1", "min_n: 2", ["min_n 1 -> 2 (stricter)"]],
  ["min_n: 2", "min_n: 1", ["min_n 2 -> 1 (looser)"]],
  ["mode: enforce", "max_n: 5", ["max_n 5 added (stricter)"]],
  ["max_n: 5", "mode: enforce", ["max_n 5 removed (looser)"]],
  ["max_n: 5", "max_n: {value: 5, mode: shadow}", ["max_n: mode enforce -> shadow (looser)"]],
  ["max_n: {value: 5, mode: shadow}", "max_n: 5", ["max_n: mode shadow -> enforce (stricter)"]],
  ["max_n: {value: 5, mode: shadow}", "max_n: {value: 4, mode: shadow}", ["max_n 5 -> 4 (only in shadow)"]],
  ["mode: enforce", "max_n: {value: 4, mode: shadow}", ["max_n 4 added (only in shadow)"]],
  [
    "max_n: 5",
    "max_n: {value: 5, on_violation: approval_needed}",
    ["max_n: on_violation deny -> approval_needed (looser)"],
  ],
  [
    "max_n: {value: 5, on_violation: approval_needed}",
    "max_n: 5",
    ["max_n: on_violation approval_needed -> deny (stricter)"],
  ],
  ["allowed_environments: [a, b]", "allowed_environments: [a]", ["allowed_environments - b (stricter)"]],
  ["allowed_environments: [a]", "allowed_environments: [b, a]", ["allowed_environments + b (looser)"]],
  ["allowed_environments: [a]", "allowed_environments: [b]", ["allowed_environments + b, - a"]],
  [
    "allowed_images: [{digest: 'sha256:a'}]",
    "allowed_images: [{digest: 'sha256:a'}, {repository: r}]",
    ["allowed_images + r (looser)"],
  ],
  [
    "mode: enforce",
    "require: {roles: [lead, sre], integrity: clean}",
    [
      "require: a bound session added (stricter)",
      "require.roles lead, sre added (stricter)",
      "require.integrity: clean added (stricter)",
    ],
  ],
  ["require: {roles: [a, b]}", "require: {roles: [a]}", ["require.roles - b (stricter)"]],
  [
    "require: {roles: [a]}",
    "require: {roles: [a, b], no_anomalies: true}",
    ["require.roles + b (looser)", "require.no_anomalies added (stricter)"],
  ],
  ["require: {clearance: {pii: t1}}", "require: {clearance: {pii: [t0, t1]}}", ["require.clearance.pii + t0 (looser)"]],
  [
    "require: {clearance: {pii: t1}}",
    "require: {clearance: {phi: t1}}",
    ["require.clearance.pii t1 removed (looser)", "require.clearance.phi t1 added (stricter)"],
  ],
  [
    "require: {integrity: clean}",
    "require: {value: {integrity: clean}, on_violation: approval_needed}",
    [
      "require: on_violation deny -> approval_needed (looser)",
      "require.integrity: on_violation deny -> approval_needed (looser)",
    ],
  ],
  [
    `require: [{when: env == "a", roles: [x]}, {when: env == "b", roles: [y]}]`,
    `require: [{when: env  ==  "b", roles: [y, z]}]`,
    [
      'require (when env == "a"): a bound session removed (looser)',
      'require.roles (when env == "a") x removed (looser)',
      'require.roles (when env == "b") + z (looser)',
    ],
  ],
  ["params: {n: {type: number}}", "params: {n: {type: integer}}", ["params.n: type number -> integer (stricter)"]],
  ["params: {n: {type: integer}}", "params: {n: {type: number}}", ["params.n: type integer -> number (looser)"]],
  ["params: {n: {type: integer}}", "params: {n: {type: string}}", ["params.n: type integer -> string"]],
  ["params: {n: {pattern: a}}", "params: {n: {pattern: b}}", ["params.n: pattern a -> b"]],
  ["params: {n: {enum: [a, 1]}}", "params: {n: {enum: [a]}}", ["params.n: enum - 1 (stricter)"]],
  ["params: {n: {forbid: [url]}}", "params: {n: {forbid: [url, ssh]}}", ["params.n: forbid ssh added (stricter)"]],
  [
    "params: {n: {required: true}}",
    "params: {n: {type: string}}",
    ["params.n: required removed (looser)", "params.n: type string added (stricter)"],
  ],
  [
    "params: {n: {enum: [a]}}, additional_params: deny",
    "params: {n: {enum: [a]}}",
    ["additional_params: deny removed (looser)"],
  ],
  [
    "params: {n: {enum: [a]}}, additional_params: deny",
    "params: {n: {enum: [a]}}, max_m: 1, additional_params: deny",
    ["additional_params: named parameters + m (looser)", "max_m 1 added (stricter)"],
  ],
  [
    "windows: {allow: [{hours: 09:00-17:00}]}",
    "windows: {allow: [{hours: 10:00-17:00}]}",
    ["windows.allow: 3360 -> 2940 minutes of the week (stricter)"],
  ],
  [
    "windows: {deny: [{hours: 09:00-17:00}]}",
    "windows: {deny: [{hours: 10:00-17:00}]}",
    ["windows.deny: 3360 -> 2940 minutes of the week (looser)"],
  ],
  [
    "windows: {allow: [{hours: 09:00-17:00}]}",
    "windows: {allow: [{hours: 10:00-18:00}]}",
    ["windows.allow: 3360 -> 3360 minutes of the week"],
  ],
  [
    "windows: {deny: [{days: [mon]}]}",
    "windows: {deny: [{days: [mon]}], time_zone: Asia/Tokyo}",
    ["windows.deny: time zone UTC -> Asia/Tokyo"],
  ],
  ["dlp: {email: redact}", "dlp: {email: deny}", ["dlp.email: redact -> deny (stricter)"]],
  ["dlp: {email: redact}", "dlp: {email: {action: tag, tag: pii}}", ["dlp.email: redact -> tag pii (looser)"]],
  ["dlp: {email: redact}", "dlp: {email: redact, ssn: tag}", ["dlp.ssn: tag ssn added"]],
  [
    "dlp: {id: {action: deny, pattern: 'a+'}}",
    "dlp: {id: {action: deny, pattern: 'b+'}}",
    ["bot: dlp.id: pattern a+ -> b+"],
  ],
  ["cost: 1", "cost: {base: 1, per: {n: 0.5}}", ["cost 1 -> 1 + 0.5 per n (stricter)"]],
  ["cost: 2", "cost: {base: 1, per: {n: 0.5}}", ["cost 2 -> 1 + 0.5 per n"]],
  ["cost: 2", "cost: 1", ["cost 2 -> 1 (looser)"]],
  ["approval_needed: env == 'a'", "approval_needed: env == 'b'", ["approval_needed env == 'a' -> env == 'b'"]],
  ["mode: enforce", "approval_needed: true", ["approval_needed true added (stricter)"]],
  ["approval_needed: true", "mode: enforce", ["approval_needed true removed (looser)"]],
  ["allowed_environments: [a]", "allowed_environments: [a], approval_needed: true", ["approval_needed true added"]],
  [
    "approval_needed: true",
    "approval_needed: {value: true, mode: shadow}",
    ["approval_needed: mode enforce -> shadow (looser)"],
  ],
  [
    "approval: {quorum: 1}",
    "approval: {quorum: 2, approvers: [sre], expires_in: 5m, hold: 30s}",
    [
      "approval.approvers any approver -> sre (stricter)",
      "approval.quorum 1 -> 2 (stricter)",
      "approval.expires_in unset -> 5m",
      "approval.hold unset -> 30s",
    ],
  ],
  [
    "approval: {approvers: [a]}",
    "approval: {approvers: [a], escalate: {after: 600s, to: [b, c]}}",
    ["approval.escalate after 10m to b or c added (looser)"],
  ],
  [
    "approval: {approvers: [a], escalate: {after: 10m, to: [b]}}",
    "approval: {approvers: [a]}",
    ["approval.escalate after 10m to b removed (stricter)"],
  ],
  [
    "approval: {approvers: [a], escalate: {after: 10m, to: [b]}}",
    "approval: {approvers: [a], escalate: {after: 5m, to: [b, c]}}",
    ["approval.escalate.after 10m -> 5m (looser)", "approval.escalate.to + c (looser)"],
  ],
  [
    "approval: {approvers: [a], escalate: {after: 10m, to: [b]}}",
    "approval: {approvers: [a], escalate: {after: 1h, to: [c]}}",
    ["approval.escalate.after 10m -> 1h (stricter)", "approval.escalate.to + c, - b"],
  ],
  [
    "approval: {quorum: 1, escalate: {after: 10m, to: [b]}}",
    "approval: {quorum: 1, escalate: {after: 5m, to: [c]}}",
    ["approval.escalate.after 10m -> 5m", "approval.escalate.to + c, - b"],
  ],
  [
    "approval: {expires_in: 5m, approvers: [a]}",
    "approval: {expires_in: 1h, approvers: [a, b]}",
    ["approval.approvers a -> a or b (looser)", "approval.expires_in 5m -> 1h (looser)"],
  ],
  [
    "sanitize: {headers: {remove: [a], set: {x: y}}}",
    "sanitize: {headers: {set: {x: z}}, query: {redact: [q]}}",
    [
      "sanitize.headers.remove - a (looser)",
      "sanitize.headers.set + x: z, - x: y",
      "sanitize.query.redact + q (stricter)",
    ],
  ],
])("{%s} to {%s}", (before, after, wanted) => expect(ofAction(before, after)).toEqual(wanted));

const sameInEffect = "no difference in what they say: only in spelling, or in the program that reads them";

test.each<[string, string, string]>([
  ["approval_needed: env == 'a'", 'approval_needed: {value: env=="a", mode: enforce}', sameInEffect],
  ["approval_needed: true", "approval: {when: true}", "no difference"],
  ["max_n: 5", "max_n: {value: 5.0}", "no difference"],
  ["windows: {allow: [{days: [mon-tue]}]}", "windows: {allow: [{days: [tue, mon]}]}", sameInEffect],
])("{%s} is {%s}", (before, after, wanted) => expect(ofAction(before, after)).toEqual([wanted]));

const rest = { "rest.yaml": 'agent: "*"\nactions: [{name: look}]' };
const one = { "p.yaml": "agent: bot\nactions: [{name: x, max_n: 5}]", ...rest };

test.each<[string, Record<string, string>, Record<string, string>, string[]]>([
  ["the same", one, one, ["no difference"]],
  [
    "an action more",
    one,
    { ...one, "p.yaml": "agent: bot\nactions: [{name: x, max_n: 5}, {name: y, max_n: 1}]" },
    ["bot, p.yaml, action y: action added: max_n 1 (looser)"],
  ],
  [
    "an entry more for the same action",
    one,
    { ...one, "p.yaml": "agent: bot\nactions: [{name: x, max_n: 5}, {name: x}]" },
    ["bot, p.yaml, action x: action added"],
  ],
  [
    "an action less",
    one,
    { ...one, "p.yaml": "agent: bot\nactions: []" },
    ["bot, p.yaml, action x: action removed: max_n 5 (stricter)"],
  ],
  [
    "an agent less",
    one,
    rest,
    [
      'bot: has no policy of its own any more: those for "*" apply',
      "bot, p.yaml: file does not apply any more",
      "bot, p.yaml, action x: action removed: max_n 5 (stricter)",
      "bot, rest.yaml: file applies now",
      "bot, rest.yaml, action look: action added (looser)",
    ],
  ],
  [
    "an agent more",
    rest,
    one,
    [
      'bot: has policies of its own now, in place of those for "*"',
      "bot, p.yaml: file applies now",
      "bot, p.yaml, action x: action added: max_n 5 (looser)",
      "bot, rest.yaml: file does not apply any more",
      "bot, rest.yaml, action look: action removed (stricter)",
    ],
  ],
  [
    "a guardrail more",
    one,
    { ...one, "g.yaml": "guardrail: true\ndeny_actions: [x]" },
    ["every agent, g.yaml: guardrail applies now (stricter)", "every agent, g.yaml: deny_actions + x (stricter)"],
  ],
  [
    "file keys",
    { "p.yaml": "agent: bot\ntools: [a]\ndeny_actions: [y]\negress: {allow: [h]}\nactions: [{name: x}]", ...rest },
    {
      "p.yaml": "agent: bot\ntools: [a, b]\ndeny_actions: [z]\negress: {allow: [h, 'i:1']}\nactions: [{name: x}]",
      ...rest,
    },
    ["bot, p.yaml: tools + b", "bot, p.yaml: deny_actions + z, - y", "bot, p.yaml: egress.allow + i:1 (looser)"],
  ],
  [
    "a guardrail for fewer tools",
    { "g.yaml": "guardrail: true\ndeny_actions: [x]" },
    { "g.yaml": "guardrail: true\ntools: [a]\ndeny_actions: [x]" },
    ["every agent, g.yaml: tools every tool -> a (looser)"],
  ],
  [
    "the mode of a file",
    one,
    { ...one, "p.yaml": "agent: bot\nmode: shadow\nactions: [{name: x, max_n: 5}]" },
    [
      "bot: mode of what no single rule decides: enforce -> shadow (looser)",
      "bot, p.yaml, action x: max_n: mode enforce -> shadow (looser)",
    ],
  ],
  [
    "egress begun",
    rest,
    { "rest.yaml": 'agent: "*"\negress: {allow: ["*.a"]}\nactions: [{name: look}]' },
    ["every agent, rest.yaml: egress.allow *.a added (stricter)"],
  ],
  [
    "limits",
    { "p.yaml": "agent: bot\nlimits: {rate: 5/s, daily_budget: 10}" },
    { "p.yaml": "agent: bot\nlimits: {rate: 10/s, burst: 2}" },
    [
      "bot: limits: seconds between calls 0.2 -> 0.1 (looser)",
      "bot: limits: burst 5 -> 2 (stricter)",
      "bot: limits: daily_budget 10 -> unlimited (looser)",
    ],
  ],
  [
    "limits of tools and sessions",
    { "p.yaml": "agent: bot\nlimits: {session_budget: 2, tools: {a: {rate: 5/s}, b: {rate: 1/s}}}" },
    { "p.yaml": "agent: bot\nlimits: {session_budget: 1, tools: {a: {rate: 5/s, burst: 9}, c: {rate: 2/s}}}" },
    [
      "bot: limits: tools.a: burst 5 -> 9 (looser)",
      "bot: limits: tools.b: seconds between calls 1 -> unlimited (looser)",
      "bot: limits: tools.b: burst 1 -> unlimited (looser)",
      "bot: limits: tools.c: seconds between calls unlimited -> 0.5 (stricter)",
      "bot: limits: tools.c: burst unlimited -> 2 (stricter)",
      "bot: limits: session_budget 2 -> 1 (stricter)",
    ],
  ],
])("%s", (_, before, after, wanted) => expect(lines(before, after)).toEqual(wanted));

test("another program over the same documents", () => {
  const set = policies(one);
  expect(diffLines(diffPolicies(set, { ...set, version: "sha256:other" }))).toEqual([sameInEffect]);
});
