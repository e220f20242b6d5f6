import { findRecords } from "../../src/audit/read.js";
import type { AdminRecord, DecisionRecord, RecordDraft } from "../../src/audit/record.js";
import { type BacktestOptions, backtest, type Finding, type Summary } from "../../src/backtest/backtest.js";
import { summaryLines } from "../../src/backtest/text.js";
import { createEngine } from "../../src/evaluate/engine.js";
import { type Asked, policiesOf, program, recorder, refusedBefore, write } from "../audit/decisions.js";
import { policyDraft, scratch } from "../audit/samples.js";

const dir = scratch();
const always = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };

/** One policy file for the agent of the fixture. */
const file = (action: object, more: object = {}) => ({
  "a.yaml": { agents: ["deploy-manager", "other-agent"], actions: [{ name: "deploy", ...action }], ...more },
});

interface Ran {
  summary: Summary;
  findings: Finding[];
}

async function run(records: RecordDraft[], policies: object, options: Partial<BacktestOptions> = {}): Promise<Ran> {
  await write(dir.path(), records);
  const findings: Finding[] = [];
  const candidate = { policies: await policiesOf({ ...policies }), engine: createEngine(program), rego: null };
  const found = (finding: Finding) => void findings.push(finding);
  const files = await findRecords([dir.path()]);
  return { summary: await backtest(files, candidate, { span: always, agent: null, found, ...options }), findings };
}

/** What becomes of one call that was judged by the first policies and is judged again by the second. */
async function replayed(before: object, after: object, asked: Asked): Promise<Ran & { change: string }> {
  const ask = await recorder({ ...before });
  const ran = await run([await ask(asked)], after);
  return { ...ran, change: ran.findings[0]?.change ?? "unchanged" };
}

const scaled = (replicas: number): Asked => ({ params: { replicas } });
const shadow = (value: unknown) => ({ value, mode: "shadow" });

test.each<[string, object, object, Asked, string]>([
  ["a bound that stays", { max_replicas: 50 }, { max_replicas: 40 }, scaled(10), "unchanged"],
  ["a lower bound", { max_replicas: 50 }, { max_replicas: 40 }, scaled(45), "newly_denied"],
  ["a higher bound", { max_replicas: 50 }, { max_replicas: 60 }, scaled(55), "newly_allowed"],
  ["another reason alone", { max_replicas: 50 }, { max_size: 1 }, { params: { replicas: 55, size: 2 } }, "unchanged"],
  ["a rule put in shadow", { max_replicas: 50 }, { max_replicas: shadow(50) }, scaled(55), "newly_allowed"],
  ["a rule taken out of shadow", { max_replicas: shadow(50) }, { max_replicas: 50 }, scaled(55), "newly_denied"],
  ["a bound in shadow", { max_replicas: shadow(50) }, { max_replicas: shadow(40) }, scaled(45), "changed"],
  ["an approval in place of a denial", { max_replicas: 50 }, { approval_needed: true }, scaled(55), "changed"],
  ["an approval in place of a pass", {}, { approval_needed: true }, scaled(55), "newly_denied"],
  [
    "a brought approval still stands in",
    { approval_needed: true },
    { approval_needed: "true" },
    { approval: "apr_1" },
    "unchanged",
  ],
  ["sanitizing in place of a pass", {}, { sanitize: { headers: { set: { "x-a": "1" } } } }, {}, "changed"],
  [
    "other names to sanitize",
    { sanitize: { headers: { set: { "x-a": "1" } } } },
    { sanitize: { headers: { set: { "x-b": "1" } } } },
    {},
    "changed",
  ],
  [
    "the same names to sanitize",
    { sanitize: { headers: { set: { "x-a": "1" }, remove: ["x-b"] } } },
    { sanitize: { headers: { remove: ["x-b"], set: { "x-a": "1" } } } },
    {},
    "unchanged",
  ],
])("%s", async (_what, before, after, asked, wanted) => {
  const { change, summary } = await replayed(file(before), file(after), asked);
  expect(change).toBe(wanted);
  expect(summary).toMatchObject({ replayed: 1, [wanted]: 1, undecidable: 0, not_replayable: 0 });
});

test("a finding names the call and what was said before and after, in both views", async () => {
  const { findings } = await replayed(file({ max_replicas: shadow(50) }), file({ max_replicas: 40 }), scaled(55));
  const before = { verdict: "deny", reason: "max_replicas", message: "replicas 55 is above max_replicas 50" };
  const after = { verdict: "deny", reason: "max_replicas", message: "replicas 55 is above max_replicas 40" };
  expect(findings).toEqual([
    {
      change: "newly_denied",
      decision_id: "decision-1",
      timestamp: "2026-03-01T12:00:01.000Z",
      agent: "deploy-manager",
      tool: "deploy-api",
      action: "deploy",
      enforced: { before: { verdict: "allow", reason: "allowed" }, after, differs: true },
      computed: { before, after, differs: false },
      why: [],
    },
  ]);
});

describe("what was masked", () => {
  const secret: Asked = { params: { pin: 1234, replicas: 80, spec: { token: "t", size: 3 } } };

  test.each<[string, object, Asked, string]>([
    ["does not matter to a rule that does not look at it", { max_replicas: 100 }, secret, "unchanged"],
    ["leaves a bound undecidable", { max_pin: 2_000 }, secret, "undecidable"],
    ["does not matter beside a denial", { max_pin: 2_000, max_replicas: 50 }, secret, "newly_denied"],
    ["matters beside a denial in shadow", { max_pin: 2_000, max_replicas: shadow(50) }, secret, "undecidable"],
    [
      "leaves what is enforced decidable, when only a rule in shadow looks at it",
      { max_pin: shadow(5) },
      secret,
      "undecidable",
    ],
    ["leaves a condition undecidable", { approval_needed: "params.pin > 5" }, secret, "undecidable"],
    ["below what a condition compares", { approval_needed: "params.spec == params.other" }, secret, "undecidable"],
    ["above what a condition compares", { approval_needed: 'params.pin.digits == "1"' }, secret, "undecidable"],
    ["beside what a condition compares", { approval_needed: "params.spec.size > 5" }, secret, "unchanged"],
    ["is there, as a condition may ask", { approval_needed: "!has(params.pin)" }, secret, "unchanged"],
    ["counts as one, as a condition may ask", { approval_needed: "size(params.spec) > 5" }, secret, "unchanged"],
    ["leaves its size undecidable", { approval_needed: "size(params.spec.token) > 5" }, secret, "undecidable"],
    [
      "in a header does not matter to a name",
      { sanitize: { headers: { remove: ["x-a"] } } },
      { ...secret, headers: [["x-auth", "s"]] },
      "unchanged",
    ],
    ["of another action does not matter", {}, secret, "unchanged"],
  ])("%s", async (_what, action, asked, wanted) => {
    const after = file(action);
    after["a.yaml"].actions.push({ name: "other", max_pin: 1 } as never);
    expect((await replayed(file({}), after, asked)).change).toBe(wanted);
  });

  test("does not hide that environments are refused, unless an approval could excuse them", async () => {
    const asks = { approval_needed: "params.pin > 5", allowed_environments: ["production"] };
    const { findings } = await replayed(file({}), file(asks), secret);
    expect(findings).toMatchObject([{ change: "undecidable", why: ["params.pin is masked"] }]);
  });

  test("may hide that a call would be let through", async () => {
    const hidden = await replayed(file({ max_pin: 5 }), file({ max_pin: 2_000 }), secret);
    expect(hidden.summary).toMatchObject({ replayed: 0, undecidable: 1, could_be_allowed: 1 });
  });

  test("cannot be newly allowed where the call was let through at the time", async () => {
    const passed = await replayed(file({}), file({ max_pin: 5 }), secret);
    expect(passed.summary).toMatchObject({ undecidable: 1, could_be_allowed: 0 });
  });

  test("in shadow alone does not keep a change of what is enforced from being seen", async () => {
    const { findings } = await replayed(file({ max_replicas: 50 }), file({ max_pin: shadow(5) }), secret);
    expect(findings).toMatchObject([
      { change: "newly_allowed", computed: { after: null }, why: ["params.pin is masked"] },
    ]);
  });
});

test("a condition sees what the record holds of the call: agent, session, facts, time", async () => {
  const asks = `agent.id == "deploy-manager" && session.bound && destination.port == 443 && time.unix_ms > 0`;
  expect((await replayed(file({}), file({ approval_needed: asks }), {})).change).toBe("newly_denied");
});

test("a record that lacks what every input has is undecidable", async () => {
  const ask = await recorder(file({}));
  const record = await ask({});
  const opa = record.opa_decision as NonNullable<DecisionRecord["opa_decision"]>;
  const { time: _, ...input } = opa.input as Record<string, never>;
  const { findings } = await run([{ ...record, opa_decision: { ...opa, input } }], file({}));
  expect(findings).toMatchObject([{ change: "undecidable", why: ["the record has no time"] }]);
});

test("a call too large for its record is undecidable", async () => {
  const { findings, summary } = await replayed(file({ max_replicas: 50 }), file({ max_replicas: 90 }), {
    params: { replicas: 80, note: "x".repeat(1_100_000) },
  });
  expect(findings).toMatchObject([{ change: "undecidable", why: ["the input was too large for the record"] }]);
  expect(summary).toMatchObject({ undecidable: 1, could_be_allowed: 1 });
});

test("what was refused before policy is no matter of it, and other kinds of records do not count", async () => {
  const { summary, findings } = await run([refusedBefore("credential_missing"), policyDraft("1")], file({}));
  expect(summary).toMatchObject({ replayed: 0, undecidable: 0, not_replayable: 1 });
  expect(findings).toEqual([]);
});

test("refusals that were counted together are told and not judged", async () => {
  const timestamp = "2026-03-01T12:30:00.000Z";
  const counted = {
    ...refusedBefore("max_replicas"),
    aggregated: { count: 41, from: timestamp, to: timestamp, calls: [], others: 0 },
  };
  const { summary } = await run([counted, refusedBefore("token_expired")], file({}));
  expect(summary).toMatchObject({ replayed: 0, undecidable: 0, not_replayable: 1, aggregated: 41 });
  expect(summaryLines(summary)).toContain("41 refused calls were counted together and cannot be judged again");
});

test("acts of admins between decisions do not count, and what follows them is judged", async () => {
  const ask = await recorder(file({ max_replicas: 50 }));
  const [first, second] = [await ask(scaled(45)), await ask(scaled(10))];
  const act: AdminRecord = {
    kind: "admin",
    timestamp: first.timestamp,
    act: "token_issued",
    by: "agent:deploy-manager",
    agent_id: "deploy-manager",
    detail: { grant_type: "client_credentials", jti: "01KJMK0000000000000000JT11", scope: "*:*", exp: 1_772_375_760 },
  };
  const { summary, findings } = await run([act, first, act, second, act], file({ max_replicas: 5 }));
  expect(summary).toMatchObject({ replayed: 2, newly_denied: 2, undecidable: 0, not_replayable: 0 });
  expect(findings.map(({ decision_id }) => decision_id)).toEqual([first.decision_id, second.decision_id]);
});

test("limits and a dry run do not matter: policies are compared with policies", async () => {
  const limited = { enforced: { outcome: "rate_exceeded", limit: "rate", retryAfterMs: 5 } } as const;
  expect((await replayed(file({}), file({}), { limits: limited })).change).toBe("unchanged");
  const denied = { ...scaled(55), dryRun: true };
  expect((await replayed(file({ max_replicas: 50 }), file({ max_replicas: 50 }), denied)).change).toBe("unchanged");
});

test("each call is judged by its own agent's policies, and agents and time can be chosen", async () => {
  const ask = await recorder(file({}));
  const records = await Promise.all([ask({}), ask({ agent: "other-agent" }), ask({}), ask({ agent: "other-agent" })]);
  const after = {
    "a.yaml": { agent: "deploy-manager", actions: [{ name: "deploy" }] },
    "b.yaml": { agent: "other-agent", deny_actions: ["deploy"] },
  };
  const all = await run(records, after);
  expect(all.summary).toMatchObject({ replayed: 4, unchanged: 2, newly_denied: 2 });
  const candidate = { policies: await policiesOf(after), engine: createEngine(program), rego: null };
  const files = await findRecords([dir.path()]);
  const chosen = {
    agent: "other-agent",
    span: { fromMs: Date.parse(records[2]?.timestamp ?? ""), toMs: Number.POSITIVE_INFINITY },
  };
  expect(await backtest(files, candidate, { ...chosen, found: () => undefined })).toMatchObject({
    replayed: 1,
    newly_denied: 1,
  });
});

test("thousands of records of many agents are judged as one by one", async () => {
  const agents = Array.from({ length: 20 }, (_, i) => `agent-${i}`);
  const set = (limit: (i: number) => number) =>
    Object.fromEntries(
      agents.map((agent, i) => [`${agent}.yaml`, { agent, actions: [{ name: "deploy", max_replicas: limit(i) }] }]),
    );
  const ask = await recorder(set(() => 50));
  const records = await Promise.all(
    Array.from({ length: 4_000 }, (_, i) => ask({ agent: agents[i % 20] ?? "", params: { replicas: i % 100 } })),
  );
  const { summary } = await run(
    records,
    set((i) => 40 + i),
  );
  const limitOf = (i: number) => 40 + (i % 20);
  const count = (holds: (replicas: number, limit: number) => boolean) =>
    records.filter((_, i) => holds(i % 100, limitOf(i))).length;
  expect(summary).toMatchObject({
    replayed: 4_000,
    newly_denied: count((replicas, limit) => replicas <= 50 && replicas > limit),
    newly_allowed: count((replicas, limit) => replicas > 50 && replicas <= limit),
  });
});
