import { createHash } from "node:crypto";
import type { AgentRequest } from "./envoy.js";
import type { Files } from "./world.js";

const hash = (text: string) => createHash("sha256").update(text).digest("hex");
const agent = (id: string) => ({ id, scopes: ["*:*"], api_keys: [{ sha256: hash(`key-${id}`) }] });

/** One tool and one agent for each way in which the pipeline is asked. `deploy` passes, `scale` never does. */
export const files: Files = {
  tools: [
    {
      name: "deploy-api",
      match: { hosts: ["deploy.internal"], methods: ["POST"], path: "/v1/{action}" },
      action: "{path.action}",
      environment: "{body.environment}",
      params: "{body}",
    },
  ],
  agents: ["bot", "shadow", "limited", "asking", "limited-shadow", "session-aware"].map(agent),
  people: [{ id: "alice@example.com", access: ["approver"] }],
  policies: {
    "bot.yaml": { agent: "bot", actions: [{ name: "deploy", max_replicas: 50 }] },
    "shadow.yaml": { agent: "shadow", mode: "shadow", actions: [{ name: "deploy", max_replicas: 50 }] },
    "limited.yaml": {
      agent: "limited",
      actions: [{ name: "deploy" }],
      limits: { rate: "100/s", daily_budget: 10 },
    },
    "limited-shadow.yaml": {
      agent: "limited-shadow",
      mode: "shadow",
      actions: [{ name: "deploy" }],
      limits: { rate: "100/s", daily_budget: 10 },
    },
    "session-aware.yaml": {
      agent: "session-aware",
      actions: [{ name: "deploy", approval_needed: '"pii" in session.data_classification' }],
    },
    "asking.yaml": { agent: "asking", actions: [{ name: "deploy", approval_needed: true }], limits: { rate: "100/s" } },
  },
};

let asked = 0;

/** A deploy to staging by an agent that shows its key; `more` changes it. */
export function deploy(agent: string, more: Partial<AgentRequest> = {}, override?: string): AgentRequest {
  asked += 1;
  const body = Buffer.from(JSON.stringify({ environment: "staging", replicas: 3 }));
  return {
    id: `stream-${asked}`,
    method: "POST",
    scheme: "https",
    host: "deploy.internal",
    path: "/v1/deploy",
    body,
    headers: [
      ["x-api-key", `key-${agent}`],
      ["content-type", "application/json"],
      ["content-length", String((more.body ?? body).length)],
      ...(override === undefined ? [] : [["x-countersign-override", override] as const]),
    ],
    ...more,
  };
}
