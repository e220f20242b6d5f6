import { jest } from "@jest/globals";
import { pino } from "pino";
import { Counter, Histogram } from "prom-client";
import { createLog } from "../../src/server/log.js";
import { batchedLines } from "../../src/server/log_lines.js";
import { secretNames } from "../../src/telemetry/clean_line.js";
import { decisionTelemetry } from "../../src/telemetry/decision.js";
import type { DecisionFacts } from "../../src/telemetry/facts.js";
import { createMetrics } from "../../src/telemetry/metrics.js";
import { timedStages } from "../../src/telemetry/stages.js";
import { startTracing } from "../../src/telemetry/tracing.js";
import { knownFacts } from "../telemetry/known_facts.js";

const facts: DecisionFacts = {
  ...knownFacts,
  decision: "allow",
  enforced: "allow",
  reason: "allowed",
  rules: [],
  mode: "enforce",
};
const jsonLog = { log: "json", log_level: "info", sampling: 1, slow_stage: 5 } as const;
const nothing = { attributes: null };

/** What `inc` and `observe` of prom-client are for metrics without exemplars. */
interface Slow {
  incWithoutExemplar(): void;
  observeWithoutExemplar(): void;
}

function decided(more: Partial<Parameters<typeof decisionTelemetry>[0]> = {}) {
  const lines: string[] = [];
  const log = createLog(jsonLog, { write: (line) => void lines.push(line) });
  const telemetry = decisionTelemetry({ tracer: null, log, metrics: createMetrics(), ...more });
  return {
    lines,
    log,
    decide: (some: Partial<DecisionFacts> = {}) => telemetry.start(nothing).end({ ...facts, ...some }),
  };
}

afterEach(() => {
  jest.restoreAllMocks();
});

test("the line of a decision is not searched for names of secrets, and that of a failure is", () => {
  // What is under such a name is found only where the search is on.
  const lines: string[] = [];
  const { decide } = decided({ log: pino({ redact: ["tool"] }, { write: (line) => void lines.push(line) }) });
  decide();
  decide({ failures: [new Error("x")] });
  expect(lines.map((line) => JSON.parse(line).tool)).toEqual(["deploy-api", "[Redacted]"]);
});

test("no member of such a line has a secret's name", () => {
  const { lines, decide } = decided();
  decide();
  const names = Object.keys(JSON.parse(lines[0] ?? ""));
  expect(names).toContain("trace_id");
  expect(names.filter((name) => (secretNames as readonly string[]).includes(name))).toEqual([]);
});

test.each([
  ["a text", { action: "Bearer KEY" }],
  ["a failure", { failures: [new Error("said KEY", { cause: new Error("KEY") })] }],
  ["something thrown", { failures: ["KEY"] }],
])("a token in %s of a decision is taken out of its line", (_where, some: Partial<DecisionFacts>) => {
  const key = `csk_${"k".repeat(32)}`;
  const { lines, decide } = decided();
  const { action = null, failures = [] } = some;
  const put = (text: string) => text.replaceAll("KEY", key);
  decide({
    action: action && put(action),
    failures: failures.map((each) =>
      each instanceof Error ? new Error(put(each.message), { cause: new Error(key) }) : put(String(each)),
    ),
  });
  expect(lines[0]).toContain("[token]");
  expect(lines[0]).not.toContain("kkkk");
});

test("the level that is changed while the server runs holds for decisions too", () => {
  const { lines, log, decide } = decided();
  log.level = "error";
  decide();
  expect(lines).toEqual([]);
  decide({ failures: [new Error("x")], reason: "internal_error" });
  expect(lines).toHaveLength(1);
  log.level = "info";
  decide();
  expect(lines).toHaveLength(2);
});

test("a hundred decisions ask prom-client for nothing until somebody scrapes", async () => {
  const counted = jest.spyOn(Counter.prototype as unknown as Slow, "incWithoutExemplar");
  const observed = jest.spyOn(Histogram.prototype as unknown as Slow, "observeWithoutExemplar");
  const metrics = createMetrics();
  const { decide } = decided({ metrics });
  const before = counted.mock.calls.length;
  const stage = metrics.stage("settle");
  for (let i = 0; i < 100; i++) {
    stage(0.001);
    metrics.auditWaiting(1);
    metrics.auditAppended(0.001);
    decide();
  }
  expect(counted.mock.calls.length - before).toBe(0);
  expect(observed).not.toHaveBeenCalled();
  const text = await metrics.text();
  expect(counted.mock.calls.length - before).toBeGreaterThan(0);
  expect(text).toContain('countersign_stage_seconds_count{stage="settle"} 100\n');
  expect(text).toContain("countersign_audit_append_seconds_count 100\n");
});

test("no span is made of a decision that is not kept", () => {
  const { tracer, close } = startTracing({ exporter: { export: () => {}, shutdown: async () => {} } });
  const started = jest.spyOn(tracer, "startSpan");
  const { decide } = decided({ tracer, sampling: 0 });
  decide();
  expect(started).not.toHaveBeenCalled();
  decide({ decision: "deny", enforced: "deny" });
  expect(started).toHaveBeenCalledTimes(1);
  void close().catch(() => undefined);
});

test("a hundred lines of decisions are one or two writes", () => {
  jest.useFakeTimers();
  const written: string[] = [];
  const lines = batchedLines({ write: (text) => void written.push(text) }, (line) =>
    line.startsWith('{"level":"info"'),
  );
  const { decide } = decided({ log: createLog(jsonLog, lines) });
  for (let i = 0; i < 100; i++) decide();
  jest.advanceTimersByTime(50);
  jest.useRealTimers();
  expect(written.length).toBeLessThanOrEqual(2);
  expect(written.join("").split("\n")).toHaveLength(101);
});

test("nobody looks at the line of a decision whether it may wait, and a failure takes it with it at once", () => {
  const written: string[] = [];
  const asked: string[] = [];
  const lines = batchedLines({ write: (text) => void written.push(text) }, (line) => {
    asked.push(line);
    return false;
  });
  const { decide } = decided({ log: createLog(jsonLog, lines) });
  decide();
  expect([asked, written]).toEqual([[], []]);
  decide({ failures: [new Error("x")], reason: "internal_error" });
  expect(asked).toHaveLength(1);
  expect(written).toHaveLength(1);
  expect(written[0]?.split("\n").map((line) => line.slice(0, 16))).toEqual([
    '{"level":"info",',
    '{"level":"error"',
    "",
  ]);
});

test("a stage is given its arguments as they are, and reads the clock twice", async () => {
  let reads = 0;
  const monotonicMicros = () => reads++;
  const stages = timedStages(
    { three: async (a: number, b: number, c: number) => [a, b, c] },
    { monotonicMicros, observer: () => () => {}, slowUs: 5_000 },
  );
  expect(await stages.three({ slow: [] }, 1, 2, 3)).toEqual([1, 2, 3]);
  expect(reads).toBe(2);
});
