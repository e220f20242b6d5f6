import type { Json } from "../../src/call.js";
import { readCall } from "../../src/policy_tools/case_input.js";
import { explain } from "../../src/policy_tools/explain/explain.js";
import { maskedPlaces } from "../../src/policy_tools/explain/masked_places.js";
import { explanationText } from "../../src/policy_tools/explain/text.js";
import { withJudges } from "../../src/policy_tools/judges.js";
import { policies, program } from "./fixture.js";

const set = policies({
  "deploy.yaml": `agent: bot
tools: [deploy-api]
deny_actions: ["iam:*"]
actions:
  - name: deploy
    allowed_environments: [staging]
    approval_needed: env == "production" && (params.replicas > 10 || has(params.force))
    approval: {approvers: [sre]}
    max_replicas: {value: 50, on_violation: approval_needed}
    min_replicas: {value: 5, mode: shadow}
    params: {region: {enum: [eu]}}
    dlp: {email: redact, ssn: tag}
  - name: drain
  - name: rollback
    require:
      - {when: env == "production", roles: [lead], clearance: {pii: tier-1}}
      - {when: params.force, integrity: clean}
`,
  "guard.yaml": `guardrail: true
egress: {allow: ["*.internal"]}
actions: [{name: "*", sanitize: {headers: {remove: [x-debug]}}}]
`,
  "other-tool.yaml": "agent: bot\ntools: [payments, aws]\nactions: [{name: transfer}]",
  "payer.yaml": "agent: payer\nactions: [{name: transfer}]",
  "rest.yaml": 'agent: "*"\nactions: [{name: look}]',
});

const base = "agent: bot, tool: deploy-api, action: deploy, destination: d.internal";

async function text(call: string): Promise<string> {
  const input = readCall("call.yaml", `{${call}}`, 0);
  return explanationText(await withJudges(set, program, (judges) => explain(input, judges)));
}

test("a denied call: the verdict first, then every rule and condition with its values", async () => {
  expect(await text(`${base}, environment: production, params: {replicas: 60, region: us}`)).toBe(
    `deny (params) for bot, deploy-api, action deploy
  params: region is not one of eu
policies ${set.version}

deploy.yaml
  holds  deny_actions: iam:*
  action deploy
    broken allowed_environments: environment production is not one of staging (people may approve it)
    broken params.region: region is not one of eu
    holds  dlp.email: limit "email", actual []
    holds  dlp.ssn: limit "ssn", actual []
    broken max_replicas: replicas 60 is above max_replicas 50 (people may approve it)
    holds  min_replicas (shadow): limit 5, actual 60
    true   approval_needed: env == "production" && (params.replicas > 10 || has(params.force)): asks for approval
      true   env == "production", where env is "production"
      true   params.replicas > 10, where params.replicas is 60
      false  has(params.force)
  other actions: drain, rollback

guard.yaml (guardrail)
  holds  egress: *.internal
  action *: no rules

does not apply:
  other-tool.yaml: it is for tools payments, aws
  payer.yaml: it is for agent payer
  rest.yaml: it is for agents without a file of their own`,
  );
});

test.each([
  [
    `${base}, environment: staging, params: {replicas: 2}`,
    "deny (min_replicas) for bot, deploy-api, action deploy\n  min_replicas: replicas 2 is below min_replicas 5\nenforced: allow (allowed), since the rest is in shadow",
  ],
  [`${base}, environment: staging`, "error  params.replicas > 10, where params.replicas is missing"],
  [`${base}, environment: staging`, "false  approval_needed: "],
  [`${base}, environment: production`, "error  approval_needed: "],
  [`${base}, environment: production`, "cannot be told"],
  [`${base}, environment: production, params: {force: 1}`, 'approval: {"approvers":[["sre"]],"quorum":1}'],
  [
    `${base}, environment: staging, http: {headers: {x-debug: "1", x-note: to a@example.com}}, params: {t: 536-90-4399 ssn}`,
    'changes of the call:\n  sets headers.x-note to "to [email]"\n  removes headers.x-debug\ntags: ssn',
  ],
  ["agent: bot, tool: deploy-api, action: 'iam:x', destination: evil.example", "broken deny_actions: iam:*"],
  ["agent: bot, tool: deploy-api, action: 'iam:x', destination: evil.example", "broken egress: *.internal"],
  [
    "agent: nobody, tool: deploy-api, action: look, destination: d.internal",
    'no file names this agent: those for "*" apply',
  ],
  ["agent: bot, unmatched: true", "for bot, no tool of the catalogue"],
  [
    "agent: bot, tool: deploy-api, action: rollback, destination: d.internal, environment: staging, params: {force: false}",
    `  action rollback
    holds  session_unbound
      when env == "production": false, so it is not asked
      false  env == "production", where env is "staging"
`,
  ],
  [
    "agent: bot, tool: deploy-api, action: rollback, destination: d.internal, environment: production, session: {clearance: tier-2, data_classification: [pii]}",
    `    broken session_role: no role is known behind the session, and it takes lead
      when env == "production": true, so it is asked
      true   env == "production", where env is "production"
    broken session_touched_pii: the session has had access to pii, which takes clearance tier-1, and nobody behind it has it (clearance: tier-2)
`,
  ],
  [
    "agent: bot, tool: deploy-api, action: rollback, destination: d.internal, environment: production, session: {role: lead}",
    `    holds  session_not_clean: limit "clean", actual "clean"
      when params.force: cannot be told, so it is asked
      error  params.force, where params.force is missing`,
  ],
])("%s: %s", async (call, wanted) => expect(await text(call)).toContain(wanted));

test("a document that the program takes for unsound is not explained", async () => {
  const { document } = set.documentOf("bot");
  const forged = { ...document, files: [{ ...document.files[0], later: true }] };
  const unsound = { ...set, documentOf: () => ({ ...set.documentOf("bot"), document: forged as never }) };
  const input = readCall("call.yaml", `{${base}}`, 0);
  await expect(withJudges(unsound, program, (judges) => explain(input, judges))).rejects.toThrow("no single result");
});

test.each<[{ [name: string]: Json }, string[]]>([
  [{ params: { a: "[secret]", b: [{ c: "x [email] y" }] } }, ["params.a", "params.b.0.c"]],
  [{ http: { headers: { authorization: "[credential]", "x-note": "[removed]" } } }, ["http.headers.x-note"]],
  [{ params: { "[email]": 1 } }, ["params.[email]"]],
  [{ params: { a: 1, b: "b" } }, []],
])("%j was masked in %j", (input, wanted) => expect(maskedPlaces(input)).toEqual(wanted));
