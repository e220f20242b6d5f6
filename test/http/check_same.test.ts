import { approvalOf } from "../pipeline/held_world.js";
import { type Files, startWorld } from "../pipeline/world.js";
import { ask, bot, decisions, filesOf, key, start, undo } from "./check_fixture.js";

describe("the same call over HTTP gets the same verdict", () => {
  const params = {
    environment: "staging",
    replicas: 3,
    image: `shop@sha256:${"a".repeat(64)}`,
    note: "mail a@b.example",
  };
  const deploy = (rules: object) => ({ actions: [{ name: "deploy", ...rules }] });
  const digest = `sha256:${"a".repeat(64)}`;

  const policies: [string, object, Partial<Files>?][] = [
    ["no rule", deploy({})],
    ["an action that is not listed", { actions: [{ name: "scale" }] }],
    ["an action that is denied", { ...deploy({}), deny_actions: ["deploy"] }],
    ["no policy for the agent", { agent: "somebody", ...deploy({}) }],
    ["another tool", { ...deploy({}), tools: ["shell"] }],
    ["a limit that holds", deploy({ max_replicas: 3 })],
    ["a limit that is broken", deploy({ max_replicas: 2 })],
    ["two broken limits", deploy({ max_replicas: 2, min_replicas: 4 })],
    ["a limit on what is missing", deploy({ max_nodes: 2 })],
    ["an environment that is allowed", deploy({ allowed_environments: ["staging"] })],
    ["an environment that is not", deploy({ allowed_environments: ["production"] })],
    ["an image that is allowed", deploy({ allowed_images: [{ digest }] })],
    ["an image that is not", deploy({ allowed_images: [{ digest: `sha256:${"b".repeat(64)}` }] })],
    ["required parameters", deploy({ params: { tag: { required: true } } })],
    ["a list of parameters", deploy({ additional_params: "deny", params: { replicas: {} } })],
    [
      "all parameters listed",
      deploy({ additional_params: "deny", params: { replicas: {}, environment: {}, image: {}, note: {} } }),
    ],
    ["data that must not leave", deploy({ dlp: { email: "deny" } })],
    ["data that cannot be redacted in a body", deploy({ dlp: { email: "redact" } })],
    ["a condition that holds", deploy({ approval_needed: 'env == "staging" && params.replicas > 2' })],
    ["a condition that does not", deploy({ approval_needed: "params.replicas > 9" })],
    ["a condition about what is missing", deploy({ approval_needed: "params.nodes > 9" })],
    ["a condition about the destination", deploy({ approval_needed: 'destination.host == "deploy.internal"' })],
    ["a destination that is permitted", { ...deploy({}), egress: { allow: ["*.internal:443"] } }],
    ["a destination that is not", { ...deploy({}), egress: { allow: ["api.example"] } }],
    ["a rule in shadow", deploy({ max_replicas: { value: 2, mode: "shadow" } })],
    ["everything in shadow", { mode: "shadow", ...deploy({ max_replicas: 2 }) }],
    ["headers that are changed", deploy({ sanitize: { headers: { set: { "x-team": "sre" } } } })],
    [
      "a cost above the budget",
      { ...deploy({ cost: { base: 1, per: { replicas: 1 } } }), limits: { daily_budget: 3 } },
    ],
    [
      "a cost within the budget",
      { ...deploy({ cost: { base: 1, per: { replicas: 1 } } }), limits: { daily_budget: 4 } },
    ],
    ["the agent's scopes", deploy({}), { agents: [{ ...bot, scopes: ["deploy-api:scale"] }] }],
    ["an agent that is disabled", deploy({}), { agents: [{ ...bot, disabled: true }] }],
    ["a dry run", deploy({ max_replicas: 2 }), { config: { dry_run: true } }],
  ];

  test.each(policies.map(([name, policy, more = {}]) => ({ name, policy, more })))(
    "$name",
    async ({ policy, more }) => {
      const { world, made } = await start(policy, more);
      const other = await startWorld(filesOf(policy, more));
      undo.push(() => other.close());
      const answer = await ask(made, { tool: "deploy-api", action: "deploy", params, destination: "deploy.internal" });
      const told = await other.ask({
        id: "stream-1",
        method: "POST",
        scheme: "https",
        host: "deploy.internal",
        path: "/v1/deploy",
        headers: [...Object.entries(key), ["content-type", "application/json"]],
        body: Buffer.from(JSON.stringify(params)),
      });
      expect(answer.statusCode).toBe(told.status);
      const [[one], [two]] = [await decisions(world), await decisions(other)];
      const verdict = ["decision", "enforced", "mode", "reason", "tool", "action", "environment", "outcome"];
      for (const member of verdict) expect([member, one?.[member]]).toEqual([member, two?.[member]]);
      if (told.status < 300) return;
      const [{ decision_id: _, approval: asked, ...here }, { decision_id: __, approval: needed, ...there }] = [
        answer.json(),
        JSON.parse(told.body),
      ];
      expect(here).toEqual(there);
      expect(asked === undefined).toBe(needed === undefined);
      if (needed) expect(asked.id).not.toBe(approvalOf(told));
    },
  );
});
