import { appendFile } from "node:fs/promises";
import { findRecords } from "../../src/audit/read.js";
import type { AdminRecord, DecisionRecord } from "../../src/audit/record.js";
import { type ReportOptions, type ShadowReport, shadowReport } from "../../src/report/report.js";
import { type Asked, recorder, refusedBefore, write } from "../audit/decisions.js";
import { policyDraft, scratch } from "../audit/samples.js";
import { auditSegments } from "../harness/records.js";

const dir = scratch();
const always = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
const defaults: ReportOptions = { span: always, by: null, examples: 3, percent: 99 };

const policies = {
  "a.yaml": {
    agents: ["deploy-manager", "release-bot"],
    tools: ["deploy-api"],
    actions: [
      {
        name: "deploy",
        mode: "shadow",
        max_replicas: 50,
        min_replicas: 2,
        max_pin: 10,
        allowed_environments: { value: ["staging"], mode: "shadow" },
        allowed_images: { value: [{ digest: "sha256:aa" }], mode: "enforce" },
      },
      { name: "delete", approval_needed: { value: true, mode: "shadow" } },
    ],
    limits: { rate: "1/s" },
  },
};
const image = { images: ["shop@sha256:aa"] };

type Promised = DecisionRecord | Promise<DecisionRecord>;

async function reportOn(asked: Promised[], options: Partial<ReportOptions> = {}): Promise<ShadowReport> {
  await write(dir.path(), await Promise.all(asked));
  return shadowReport(await findRecords([dir.path()]), { ...defaults, ...options });
}

const row = ({ rules }: ShadowReport, rule: string) => rules.find((found) => found.rule === rule);

test("a call is counted for what became of it, and for every rule in shadow that it broke", async () => {
  const ask = await recorder(policies);
  const report = await reportOn([
    ask({ ...image, params: { replicas: 3 } }),
    ask({ ...image, params: { replicas: 80 } }),
    ask({ ...image, params: { replicas: 90 }, environment: "production" }),
    ask({ params: { replicas: 200 } }),
    refusedBefore("credential_missing"),
  ]);
  expect(report).toMatchObject({ decisions: 5, would_block: 2, blocked: 2, verified: false, torn: [] });
  expect(row(report, "max_replicas")).toMatchObject({ judged: 4, would_block: 2, rate: 0.5, blocked: 0, beside: 1 });
  expect(row(report, "allowed_environments")).toMatchObject({ judged: 4, would_block: 1, rate: 0.25 });
  expect(row(report, "allowed_images")).toMatchObject({ would_block: 0, blocked: 1 });
  expect(row(report, "credential_missing")).toMatchObject({ would_block: 0, blocked: 1, examples: [] });
  expect(report.rules.map(({ rule }) => rule)).toEqual([
    "max_replicas",
    "allowed_environments",
    "allowed_images",
    "credential_missing",
  ]);
});

test("an approval that would have been asked for blocks, and so does everything in a dry run", async () => {
  const ask = await recorder(policies);
  const report = await reportOn([ask({ ...image, action: "delete" }), ask({ dryRun: true })]);
  expect(report).toMatchObject({ decisions: 2, would_block: 2, blocked: 0 });
  expect(row(report, "approval_needed")).toMatchObject({ would_block: 1, judged: 1 });
  expect(row(report, "allowed_images")).toMatchObject({ would_block: 1, blocked: 0 });
});

test.each(["rate_exceeded", "budget_exceeded"] as const)(
  "%s in shadow is counted over all calls of the agent",
  async (outcome) => {
    const ask = await recorder(policies);
    const report = await reportOn([
      ask({ ...image, limits: { shadow: { outcome, limit: "rate", retryAfterMs: 5 } } }),
      ask({ ...image, action: "other" }),
      ask({ ...image, agent: "release-bot" }),
    ]);
    expect(row(report, outcome)).toMatchObject({ would_block: 1, judged: 2, rate: 0.5 });
  },
);

test("a limit in shadow counts beside a rule that would only have asked for approval", async () => {
  const ask = await recorder(policies);
  const over = { shadow: { outcome: "rate_exceeded", limit: "rate", retryAfterMs: 5 } } as const;
  const report = await reportOn([ask({ ...image, action: "delete", limits: over })]);
  expect(report.would_block).toBe(1);
  expect(report.rules.map(({ rule, would_block }) => [rule, would_block])).toEqual([
    ["approval_needed", 1],
    ["rate_exceeded", 1],
  ]);
});

test("calls of a rule can be told apart by agent or by action", async () => {
  const ask = await recorder(policies);
  const calls: Asked[] = [
    { ...image, params: { replicas: 80 } },
    { ...image, params: { replicas: 90 }, agent: "release-bot" },
    { ...image, params: { replicas: 3 }, agent: "release-bot" },
  ];
  const records = calls.map(ask);
  const byAgent = await reportOn(records, { by: "agent" });
  expect(byAgent.rules.map(({ rule, agent, judged, would_block }) => [rule, agent, judged, would_block])).toEqual([
    ["max_replicas", "deploy-manager", 1, 1],
    ["max_replicas", "release-bot", 2, 1],
  ]);
  expect(byAgent.thresholds.map(({ agent, suggested }) => [agent, suggested])).toEqual([
    ["deploy-manager", 80],
    ["release-bot", 90],
  ]);
  const byAction = await shadowReport(await findRecords([dir.path()]), { ...defaults, by: "action" });
  expect(byAction.rules).toMatchObject([{ rule: "max_replicas", tool: "deploy-api", action: "deploy", judged: 3 }]);
  expect(byAction.agents).toEqual([
    { agent: "deploy-manager", decisions: 1, would_block: 1, blocked: 0 },
    { agent: "release-bot", decisions: 2, would_block: 1, blocked: 0 },
  ]);
});

test("examples name the call and what was wrong, no more of them than asked for", async () => {
  const ask = await recorder(policies);
  const records = [80, 90, 100].map((replicas) => ask({ ...image, params: { replicas } }));
  const { rules } = await reportOn(records, { examples: 2 });
  expect(rules[0]?.examples).toEqual([
    {
      decision_id: "decision-1",
      timestamp: "2026-03-01T12:00:01.000Z",
      agent: "deploy-manager",
      tool: "deploy-api",
      action: "deploy",
      message: "replicas 80 is above max_replicas 50",
    },
    expect.objectContaining({ decision_id: "decision-2" }),
  ]);
});

describe("the limit that would have let most calls through", () => {
  test("is the nearest-rank percentile of all numbers of the same calls", async () => {
    const ask = await recorder(policies);
    const records = Array.from({ length: 200 }, (_, i) => ask({ ...image, params: { replicas: i + 1 } }));
    const report = await reportOn(records, { percent: 90 });
    expect(report.thresholds).toEqual([
      {
        rule: "max_replicas",
        param: "replicas",
        tool: "deploy-api",
        action: "deploy",
        limit: 50,
        suggested: 180,
        percent: 90,
        values: 200,
        masked: 0,
        absent: 0,
        not_numbers: 0,
        digits: null,
      },
      expect.objectContaining({ rule: "min_replicas", limit: 2, suggested: 21, values: 200 }),
    ]);
  });

  test("says what was no number, and what was masked", async () => {
    const ask = await recorder(policies);
    const report = await reportOn([
      ask({ ...image, params: { replicas: "many", pin: 11 } }),
      ask({ ...image, params: { replicas: 80, pin: 5 } }),
      ask(image),
    ]);
    expect(report.thresholds).toMatchObject([
      { rule: "max_pin", suggested: null, values: 0, masked: 2, absent: 1 },
      { rule: "max_replicas", suggested: 80, values: 1, not_numbers: 1, absent: 1, masked: 0 },
      { rule: "min_replicas", suggested: 80, values: 1, not_numbers: 1, absent: 1, masked: 0 },
    ]);
  });

  test("stands beside the newest limit", async () => {
    const [before, after] = await Promise.all(
      [50, 70].map((max_replicas) =>
        recorder({
          "a.yaml": { agent: "deploy-manager", mode: "shadow", actions: [{ name: "deploy", max_replicas }] },
        }),
      ),
    );
    const old = before?.({ params: { replicas: 90 } });
    const young = [1, 2].map(() => after?.({ params: { replicas: 90 } }));
    const records = [young[1], old].filter((record) => record !== undefined);
    expect((await reportOn(records)).thresholds).toMatchObject([{ limit: 70 }]);
  });
});

test("the values refused most often are told, each image by itself", async () => {
  const ask = await recorder({
    "a.yaml": {
      agent: "deploy-manager",
      mode: "shadow",
      actions: [{ name: "deploy", allowed_environments: ["staging"], allowed_images: [{ digest: "sha256:aa" }] }],
    },
  });
  const report = await reportOn([
    ask({ ...image, environment: "production" }),
    ask({ images: ["a@sha256:bb", "b@sha256:cc"], environment: "production" }),
    ask({ images: ["a@sha256:bb"], environment: "dev" }),
    ask({ ...image, environment: null }),
  ]);
  expect(row(report, "allowed_environments")?.refused).toEqual({
    values: [
      { value: "production", count: 2 },
      { value: "dev", count: 1 },
      { value: "null", count: 1 },
    ],
    missed: 0,
  });
  expect(row(report, "allowed_images")?.refused.values).toEqual([
    { value: "a@sha256:bb", count: 2 },
    { value: "b@sha256:cc", count: 1 },
  ]);
});

test("only the span of time counts, its beginning and not its end", async () => {
  const ask = await recorder(policies);
  const records = await Promise.all([80, 90, 100].map((replicas) => ask({ ...image, params: { replicas } })));
  const [from, to] = [records[1]?.timestamp, records[2]?.timestamp].map((time) => Date.parse(time ?? ""));
  const report = await reportOn(records, { span: { fromMs: from ?? 0, toMs: to ?? 0 } });
  expect(report).toMatchObject({ decisions: 1, first: records[1]?.timestamp, last: records[1]?.timestamp });
  expect(report.rules).toMatchObject([{ rule: "max_replicas", judged: 1, would_block: 1 }]);
  expect(report.thresholds).toMatchObject([{ suggested: 90, values: 1 }]);
});

test("records of other kinds do not count, and without decisions there is nothing to say", async () => {
  await write(dir.path(), [policyDraft("loaded")]);
  expect(await shadowReport(await findRecords([dir.path()]), defaults)).toEqual({
    first: null,
    last: null,
    decisions: 0,
    would_block: 0,
    blocked: 0,
    rules: [],
    thresholds: [],
    thresholds_left_out: [],
    agents: [],
    torn: [],
    verified: false,
  });
});

test("acts of admins between decisions change nothing of what is reported", async () => {
  const ask = await recorder(policies);
  const decisions = await Promise.all([80, 3, 90].map((replicas) => ask({ ...image, params: { replicas } })));
  const act: AdminRecord = {
    kind: "admin",
    timestamp: decisions[1]?.timestamp ?? "",
    act: "agent_disabled",
    by: "root@example.com",
    agent_id: "deploy-manager",
    detail: { source: "file" },
  };
  await write(dir.path(), [act, ...decisions.flatMap((decision) => [decision, act])]);
  const report = await shadowReport(await findRecords([dir.path()]), { ...defaults, by: "agent" });
  expect(report).toMatchObject({ decisions: 3, would_block: 2, blocked: 0, torn: [] });
  expect([report.first, report.last]).toEqual([decisions[0]?.timestamp, decisions[2]?.timestamp]);
  expect(report.rules).toMatchObject([{ rule: "max_replicas", agent: "deploy-manager", judged: 3, would_block: 2 }]);
  expect(report.agents).toEqual([{ agent: "deploy-manager", decisions: 3, would_block: 2, blocked: 0 }]);
});

test("of a record too large for its input, the reason still counts", async () => {
  const ask = await recorder(policies);
  const report = await reportOn([ask({ ...image, params: { replicas: 80, note: "x".repeat(1_100_000) } })]);
  expect(row(report, "max_replicas")).toMatchObject({ would_block: 1, judged: 1 });
  expect(report.thresholds).toMatchObject([{ suggested: null, values: 0, masked: 1 }]);
});

test("a line that is being written does not count and is told", async () => {
  const ask = await recorder(policies);
  await write(dir.path(), [await ask(image)]);
  const [segment = ""] = await auditSegments(dir.path());
  await appendFile(segment, JSON.stringify(await ask(image)));
  const report = await shadowReport(await findRecords([dir.path()]), defaults);
  expect(report).toMatchObject({ decisions: 1, torn: [`${segment}:2`] });
});

test("more actions than can be told apart are counted together, and every call once", async () => {
  const ask = await recorder({ "a.yaml": { agent: "deploy-manager", mode: "shadow", actions: [{ name: "deploy" }] } });
  const records = Array.from({ length: 1_100 }, (_, i) => ask({ action: `a${i}` }));
  const report = await reportOn(records, { by: "action" });
  expect(report.rules).toHaveLength(1_001);
  expect(report.rules[0]).toMatchObject({ rule: "action_not_allowed", more: true, would_block: 100, judged: 100 });
  expect(report.rules.reduce((sum, { would_block }) => sum + would_block, 0)).toBe(1_100);
});

test("refusals that were counted together count one by one", async () => {
  const [from, to] = ["2026-03-01T10:00:00.000Z", "2026-03-01T12:30:00.000Z"];
  const counted = { ...refusedBefore("credential_missing"), aggregated: { count: 41, from, to, calls: [], others: 0 } };
  const report = await reportOn([counted, refusedBefore("credential_missing")]);
  expect(report).toMatchObject({ first: from, last: to, decisions: 42, blocked: 42, would_block: 0 });
  expect(report.rules).toMatchObject([{ rule: "credential_missing", blocked: 42, judged: 42 }]);
});
