import type { DecisionRecord } from "../../src/audit/record.js";
import { scopesReport } from "../../src/evidence/scopes.js";
import { policyDraft, scratch } from "../audit/samples.js";
import { writeChain, writers } from "../audit_query/chains.js";
import { call, refused } from "./stories.js";

const dir = scratch();
const agent = (id: string, scopes: string[], more: object = {}) => ({
  id,
  scopes,
  roles: [],
  disabled: false,
  ...more,
});
const at = (minute: number) => `2026-01-02T03:0${minute}:00.000Z`;

async function report(granted: ReturnType<typeof agent>[], drafts: DecisionRecord[], span: object = {}) {
  await writeChain(dir.path(), writers[0], [policyDraft("start"), ...drafts]);
  return scopesReport([dir.path()], granted, span);
}

test("what was granted is told apart from what was used, and what would have been enough", async () => {
  const drafts = [
    call({ timestamp: at(1) }),
    call({ timestamp: at(2), action: "restart" }),
    call({ timestamp: at(3) }),
    refused({ timestamp: at(4) }),
  ];
  const { agents } = await report([agent("deploy-manager", ["deploy-api:*", "*:restart", "aws:list"])], drafts);
  expect(agents).toMatchObject([
    {
      agent_id: "deploy-manager",
      registered: true,
      grants: [
        { scope: "deploy-api:*", calls: 3, last: at(3), enough: ["deploy-api:deploy", "deploy-api:restart"] },
        { scope: "*:restart", calls: 1, last: at(2), enough: ["deploy-api:restart"] },
        { scope: "aws:list", calls: 0, last: null, enough: null },
      ],
      used: [
        { action: "deploy", calls: 2, last: at(3) },
        { action: "restart", calls: 1, last: at(2) },
      ],
      exceeded: [],
    },
  ]);
});

test("agents with records that nobody registered are listed, and so are those without records", async () => {
  const token = { iss: "i", sub: "gone", aud: "a", scope: "deploy-api:* aws:list", exp: 1 };
  const { agents } = await report([agent("idle", ["*:*"], { disabled: true })], [call({ agent_id: "gone", token })]);
  expect(agents).toMatchObject([
    {
      agent_id: "gone",
      registered: false,
      grants: [],
      token_scopes: [
        { scope: "aws:list", calls: 0 },
        { scope: "deploy-api:*", calls: 1 },
      ],
    },
    { agent_id: "idle", registered: true, disabled: true, grants: [{ scope: "*:*", calls: 0, enough: [] }], used: [] },
  ]);
});

test("calls outside the scopes are counted, also those that were counted together", async () => {
  const many = { count: 700, from: at(1), to: at(5), calls: [], others: 0 };
  const { agents } = await report(
    [],
    [
      refused({ reason: "scope_exceeded", tool: "aws", action: "delete", timestamp: at(2) }),
      refused({ reason: "scope_exceeded", tool: "aws", action: "delete", timestamp: at(5), aggregated: many }),
      refused({ reason: "scope_exceeded", tool: "aws", action: null, timestamp: at(6), aggregated: many }),
      refused({ reason: "max_replicas" }),
      call({ agent_id: null }),
    ],
  );
  expect(agents).toMatchObject([
    {
      agent_id: "deploy-manager",
      used: [],
      exceeded: [
        { tool: "aws", action: "delete", calls: 701, last: at(5) },
        { tool: "aws", action: null, calls: 700, last: at(6) },
      ],
    },
  ]);
});

test("a span leaves out what is not in it, and says what was read", async () => {
  const span = { fromMs: Date.parse(at(2)), toMs: Date.parse(at(4)) };
  const { agents, covered } = await report(
    [],
    [1, 2, 3, 4].map((minute) => call({ timestamp: at(minute) })),
    span,
  );
  expect(agents[0]?.used).toMatchObject([{ calls: 2, last: at(3) }]);
  expect(covered).toEqual({ from: at(2), to: at(4), complete: true });
});
