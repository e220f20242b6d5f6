import { join } from "node:path";
import { deploy } from "../demo/steps.js";
import { type Collector, startCollector } from "../harness/collector.js";
import { findEnvoy } from "../harness/find_envoy.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { auditRecords } from "../harness/records.js";
import { type Stack, startStack } from "../harness/stack.js";
import { until } from "../harness/until.js";

const envoy = await requirePart("Envoy", findEnvoy);

describeWith(envoy, "what operators see of each decision", (use) => {
  let collector: Collector;
  let stack: Stack;

  beforeAll(async () => {
    collector = await startCollector("http");
    stack = await startStack({
      store: "memory:",
      envoyProgram: use(),
      // Spans go out in batches, by default every five seconds.
      env: {
        COUNTERSIGN_TELEMETRY_OTLP: collector.url,
        OTEL_BSP_SCHEDULE_DELAY: "50",
        // However busy the machine is, here each decision is one span.
        COUNTERSIGN_TELEMETRY_SLOW_STAGE: "1m",
      },
    });
  });
  afterAll(async () => {
    await stack?.stop();
    await collector?.stop();
  });

  const log = () =>
    stack.server
      .stdout()
      .split("\n")
      .slice(0, -1)
      .filter((line) => !line.startsWith("countersign is ready: "))
      .map((line): Record<string, unknown> => JSON.parse(line));
  const decisionLines = () => log().filter(({ msg }) => msg === "decision");
  // Lines of decisions wait a moment for others: those of calls before are there as soon as each record has its line.
  const linesBefore = () =>
    until(
      async () => {
        const { length } = decisionLines();
        const records = await auditRecords(join(stack.folder, "var", "audit"));
        return length === records.filter(({ kind }) => kind === "decision").length && length;
      },
      { what: "the log lines of calls before" },
    );
  const nextLines = (before: number, count = 1) =>
    until(
      () => {
        const lines = decisionLines().slice(before);
        return lines.length >= count && lines;
      },
      { what: "the log line" },
    );
  const metrics = async () => (await stack.ask(stack.people.viewer, "/metrics")).body;
  const counted = async (labels: string): Promise<number> => {
    const start = `countersign_decisions_total{${labels}} `;
    const line = (await metrics()).split("\n").find((text) => text.startsWith(start));
    return Number(line?.slice(start.length) ?? 0);
  };

  /** The calls of this test, what is decided about each, and what is known of it by then. */
  const calls: [string, () => Promise<unknown>, Record<string, unknown>][] = [
    [
      "an allowed call",
      () => stack.call("deploy-manager", deploy("staging")),
      { ...agent("deploy-manager"), environment: "staging", ...verdict("allow", "allow", "allowed", "enforce") },
    ],
    [
      "a denied call",
      () => stack.call("deploy-manager", deploy("staging", { replicas: 200 })),
      { ...agent("deploy-manager"), environment: "staging", ...verdict("deny", "deny", "max_replicas", "enforce") },
    ],
    [
      "a call in shadow",
      () => stack.call("release-bot", deploy("staging", { replicas: 200 })),
      { ...agent("release-bot"), environment: "staging", ...verdict("deny", "allow", "max_replicas", "shadow") },
    ],
    [
      "a call that waits for people",
      () => stack.call("deploy-manager", deploy("production")),
      {
        ...agent("deploy-manager"),
        environment: "production",
        ...verdict("approval_needed", "approval_needed", "approval_needed", "enforce"),
      },
    ],
    [
      "a call that is changed on its way",
      () => stack.call("reporter", { host: "reports.internal", path: "/v1/export?access_token=s3cret" }),
      {
        agent_id: "reporter",
        tool: "reports",
        action: "export",
        ...verdict("sanitize", "sanitize", "sanitized", "enforce"),
      },
    ],
    [
      "a call of nobody",
      () => stack.call(null, deploy("staging")),
      verdict("deny", "deny", "credential_missing", "enforce"),
    ],
    [
      "a call to no tool",
      () => stack.call("deploy-manager", { host: "deploy.internal", path: "/v9/x", json: {} }),
      { agent_id: "deploy-manager", ...verdict("deny", "deny", "unknown_tool", "enforce") },
    ],
  ];

  test.each(calls)("%s is one span, one line, one record and one count", async (_name, run, expected) => {
    const labels = `decision="${expected.decision}",enforced="${expected.enforced}",mode="${expected.mode}",reason="${expected.decision_reason}"`;
    const [before, lines, count] = [collector.spans.length, await linesBefore(), await counted(labels)];
    await run();
    const span = await until(() => collector.spans[before], { what: "the span" });
    const record = (await auditRecords(join(stack.folder, "var", "audit"))).at(-1) ?? {};

    const facts = {
      ...expected,
      policy_version: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      decision_id: record.decision_id,
      latency_us: expect.any(Number),
      ...(record.session_id !== null && { session_id: record.session_id }),
    };
    const { latency: _latency, ...told } = span.attributes;
    const ours = Object.entries(told).filter(([name]) => !name.includes("."));
    expect(Object.fromEntries(ours)).toEqual(facts);
    expect(told).toMatchObject({
      "gen_ai.operation.name": "execute_tool",
      ...("agent_id" in expected && { "gen_ai.agent.id": expected.agent_id }),
    });
    expect(span).toMatchObject({ name: "countersign.decision", service: "countersign", kind: 2, status: 0 });
    expect(span.traceId).toBe(record.trace_id);

    expect(await nextLines(lines)).toEqual([
      { ...facts, level: "info", msg: "decision", time: expect.any(String), trace_id: span.traceId },
    ]);
    expect(record).toMatchObject({ decision: expected.decision, reason: expected.decision_reason });
    expect(await counted(labels)).toBe(count + 1);
    await expectNoMore(() => collector.spans.length, before + 1);
  });

  test("the span belongs to the caller's trace", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const [before, lines] = [collector.spans.length, await linesBefore()];
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, tracestate: "a=1" };
    expect((await stack.call("deploy-manager", { ...deploy("staging"), headers })).status).toBe(200);
    const span = await until(() => collector.spans[before], { what: "the span" });
    expect([span.traceId, span.parentSpanId]).toEqual([traceId, "00f067aa0ba902b7"]);
    expect((await auditRecords(join(stack.folder, "var", "audit"))).at(-1)?.trace_id).toBe(traceId);
    expect(await nextLines(lines)).toEqual([expect.objectContaining({ trace_id: traceId })]);
    expect(stack.tool.requests.at(-1)?.headers.traceparent).toBe(headers.traceparent);
  });

  test.each([
    ["is no trace context", "zz"],
    ["is all zero", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`],
  ])("a traceparent that %s begins a trace of its own", async (_name, traceparent) => {
    const before = collector.spans.length;
    const answer = await stack.call("deploy-manager", { ...deploy("staging"), headers: { traceparent } });
    expect(answer.status).toBe(200);
    const span = await until(() => collector.spans[before], { what: "the span" });
    expect(span.traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
    expect(span.parentSpanId).toBe("");
  });

  test("a call the caller does not sample is still a decision with a trace id on record", async () => {
    const traceId = "11112222333344445555666677778888";
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-00` };
    const lines = await linesBefore();
    await stack.call("deploy-manager", { ...deploy("staging"), headers });
    expect((await auditRecords(join(stack.folder, "var", "audit"))).at(-1)?.trace_id).toBe(traceId);
    expect(await nextLines(lines)).toEqual([expect.objectContaining({ trace_id: traceId })]);
  });

  test("metrics are for viewers, and name policy version and shadowed refusals", async () => {
    const ask = async (token: string) => (await stack.ask(token, "/metrics")).status;
    expect([
      await ask(stack.people.viewer),
      await ask(stack.people.approver),
      await ask(await stack.token("deploy-manager")),
      await ask("cst_unknown"),
    ]).toEqual([200, 403, 403, 401]);
    const text = await metrics();
    expect(text).toMatch(/^countersign_would_block_total\{rule="max_replicas"\} 1$/m);
    expect(text).toMatch(/^countersign_policy_info\{version="sha256:[0-9a-f]{64}"\} 1$/m);
    expect(text).toMatch(/^countersign_decision_seconds_count\{enforced="deny"\} 3$/m);
  });

  test("an agent's mistake is no error of the operator's, and no secret is told", async () => {
    const before = await linesBefore();
    const bad: [string, Record<string, string>][] = [
      ["token_invalid", { authorization: `Bearer ${await stack.token("deploy-manager")}x` }],
      ["credential_malformed", { authorization: "Basic s3cret" }],
      ["api_key_unknown", { "x-api-key": "csk_s3cret" }],
    ];
    for (const [, headers] of bad) await stack.call(null, { ...deploy("staging"), headers });
    const override = { "x-countersign-override": "a.s3cret.c" };
    await stack.call("deploy-manager", { ...deploy("staging"), headers: override });
    const lines = await nextLines(before, bad.length + 1);
    expect(lines.map(({ level, decision_reason }) => [level, decision_reason])).toEqual(
      [...bad.map(([reason]) => reason), "override_invalid"].map((reason) => ["info", reason]),
    );
    expect(stack.server.stdout()).not.toMatch(/s3cret|eyJ/);
    await until(() => collector.spans.some(({ attributes }) => attributes.decision_reason === "override_invalid"), {
      what: "the span",
    });
    expect(JSON.stringify(collector.spans)).not.toMatch(/s3cret|eyJ/);
  });

  test("everything the server writes is one JSON object per line, and the collector got OTLP", () => {
    expect(log().every(({ level, time, msg }) => [level, time, msg].every((value) => typeof value === "string"))).toBe(
      true,
    );
    expect(stack.server.stderr()).toBe("");
    for (const { path, "content-type": type } of collector.headers) {
      expect([path, type]).toEqual(["POST /v1/traces", "application/x-protobuf"]);
    }
    expect(collector.headers.length).toBeGreaterThan(0);
  });

  test("what waits is sent when the server ends, and a collector that is gone costs no call", async () => {
    await stack.restartServer({
      COUNTERSIGN_TELEMETRY_OTLP: collector.url,
      COUNTERSIGN_TELEMETRY_SLOW_STAGE: "1m",
    });
    const before = collector.spans.length;
    await stack.call("deploy-manager", deploy("staging"));
    expect(await stack.server.stop()).toEqual({ code: 0, signal: null });
    expect(collector.spans).toHaveLength(before + 1);

    await stack.restartServer({ COUNTERSIGN_TELEMETRY_OTLP: "http://127.0.0.1:1", OTEL_BSP_SCHEDULE_DELAY: "1" });
    for (let i = 0; i < 5; i++) expect((await stack.call("deploy-manager", deploy("staging"))).status).toBe(200);
  });
});

function agent(agent_id: string): Record<string, unknown> {
  return { agent_id, tool: "deploy-api", action: "deploy" };
}

function verdict(decision: string, enforced: string, decision_reason: string, mode: string): Record<string, unknown> {
  return { decision, enforced, decision_reason, mode };
}

/** Two batches later there is still no more than wanted. */
async function expectNoMore(count: () => number, wanted: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect(count()).toBe(wanted);
}
