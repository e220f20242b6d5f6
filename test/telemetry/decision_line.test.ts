import { jest } from "@jest/globals";
import fc from "fast-check";
import { pino } from "pino";
import { createLog } from "../../src/server/log.js";
import { factsShown } from "../../src/telemetry/attributes.js";
import { cleanLine } from "../../src/telemetry/clean_line.js";
import { decisionLine } from "../../src/telemetry/decision_line.js";
import type { DecisionFacts } from "../../src/telemetry/facts.js";
import { verdicts } from "../../src/verdict.js";
import { knownFacts } from "./known_facts.js";

const config = { log: "json", log_level: "info", sampling: 1, slow_stage: 5 } as const;
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";

afterEach(() => {
  jest.restoreAllMocks();
});

/** What our writer writes, and what pino writes of the same objects in the form of our log. */
function bothOf(all: readonly DecisionFacts[], fields: object | null, trace: string) {
  const ours: string[] = [];
  const theirs: string[] = [];
  const log = createLog(config, { write: (line) => void ours.push(line) }, fields);
  const form = {
    base: fields,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
    hooks: { streamWrite: cleanLine },
  };
  const line = decisionLine(log);
  const plain = pino(form, { write: (text: string) => void theirs.push(text) });
  for (const facts of all) {
    line(facts, trace);
    plain.info({ ...factsShown(facts), trace_id: trace }, "decision");
  }
  return { ours, theirs };
}

const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 120 }),
  fc.string({ unit: "grapheme-ascii", maxLength: 120 }),
  fc.constantFrom(
    '"',
    "\\",
    "\n",
    "\u007f",
    "\u2028",
    "é",
    "\ud800",
    "a\udc00",
    '","level":"error',
    "__proto__",
    "x".repeat(300),
  ),
  fc.constantFrom(`csk_${"k".repeat(32)}`, "eyJ", "eyJhbGciOiJub25lIn0.e30.", "cs", "t_", "c", "ey", "J"),
  fc.constantFrom("deploy-manager", "allowed", ""),
);
const maybe = fc.option(hostile);
const number = fc.oneof(fc.nat(), fc.double(), fc.constantFrom(Number.NaN, -0, 1e21, Number.NEGATIVE_INFINITY));

test("a line is, byte for byte, the one that pino writes, whatever its texts say", () => {
  jest.spyOn(Date, "now").mockReturnValue(1_764_000_000_123);
  const facts = fc.record({
    agentId: maybe,
    sessionId: maybe,
    tool: maybe,
    action: maybe,
    environment: maybe,
    reason: hostile,
    policyVersion: hostile,
    decisionId: hostile,
    latencyUs: number,
  });
  // Some of them the same as before, but for one member.
  const few = fc.constantFrom("a", "b", null);
  const alike = fc.record(
    {
      ...{ agentId: few, sessionId: few, tool: few, action: few, environment: few },
      ...{ reason: fc.constantFrom("a", "b"), policyVersion: fc.constantFrom("a", "b"), decisionId: fc.string() },
      ...{ decision: fc.constantFrom(...verdicts), enforced: fc.constantFrom(...verdicts) },
      mode: fc.constantFrom("shadow" as const, "enforce" as const),
    },
    { requiredKeys: ["decisionId"] },
  );
  const fields = fc.constantFrom(null, {}, { worker: 3 }, { name: 'a "b"\n' });
  fc.assert(
    fc.property(fc.array(fc.oneof(facts, alike), { maxLength: 12 }), fields, hostile, (some, each, trace) => {
      const all = some.map((one) => ({ ...knownFacts, ...one }));
      const { ours, theirs } = bothOf(all, each, trace);
      expect(ours).toEqual(theirs);
    }),
    { numRuns: 500 },
  );
});

test("a plain line is written without pino", () => {
  const asJson = jest.fn();
  const lines: string[] = [];
  const log = createLog(config, { write: (line) => void lines.push(line) });
  const child = log.child.bind(log);
  jest
    .spyOn(log, "child")
    .mockImplementation((bindings, options) => Object.assign(child(bindings, options), { info: asJson }));
  const line = decisionLine(log);
  line(knownFacts, traceId);
  expect(lines).toHaveLength(1);
  line({ ...knownFacts, action: 'a "word"' }, traceId);
  expect(asJson).toHaveBeenCalledTimes(1);
});

test("each of many sessions has its own line, one that was forgotten too", () => {
  const lines: string[] = [];
  const line = decisionLine(createLog(config, { write: (text) => void lines.push(text) }));
  const sessions = Array.from({ length: 2_500 }, (_, i) => `ses_${i}`);
  for (const sessionId of [...sessions, ...sessions]) line({ ...knownFacts, sessionId }, traceId);
  expect(lines.map((text) => JSON.parse(text).session_id)).toEqual([...sessions, ...sessions]);
});

test.each([
  ["debug", 1],
  ["info", 1],
  ["warn", 0],
  ["silent", 0],
])("at the level %s there are %d lines", (level, count) => {
  const lines: string[] = [];
  const log = createLog(config, { write: (line) => void lines.push(line) });
  const line = decisionLine(log);
  log.level = level;
  line(knownFacts, traceId);
  expect(lines).toHaveLength(count);
});
