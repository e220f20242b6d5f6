import { type AuditSink, AuditUnavailable, type RecordDraft } from "../../src/audit/record.js";
import { passedDecisions } from "../../src/outcomes/passed.js";
import { type OutcomeRecorderOptions, outcomeRecorder, unlinkedPerMinute } from "../../src/outcomes/recorder.js";
import { decisionDraft } from "../audit/samples.js";
import { entryOf } from "../grpc/access_log_stream.js";
import { until } from "../harness/until.js";

const id = (n: number): string => `01J9ZQ3V6C5R8N2K4M7P${String(n).padStart(6, "0")}`;
const told = { enforced: "allow", agent_id: "somebody", tool: "some-tool", action: "act" };

function setUp(more: Partial<OutcomeRecorderOptions> = {}) {
  const state = {
    now: Date.parse("2026-01-02T03:04:05.678Z"),
    failure: null as Error | null,
    atOnce: 0,
    mostAtOnce: 0,
  };
  const written: RecordDraft[] = [];
  const counts: Record<string, number> = {};
  const errors: unknown[] = [];
  const sink: AuditSink = {
    async append(draft) {
      state.mostAtOnce = Math.max(state.mostAtOnce, ++state.atOnce);
      await new Promise((resolve) => setImmediate(resolve));
      state.atOnce--;
      if (state.failure) throw state.failure;
      written.push(draft);
    },
    trouble: () => null,
    close: async () => {},
  };
  const decisions = passedDecisions(() => state.now);
  const recorder = outcomeRecorder({
    sink,
    decisions,
    now: () => state.now,
    count: (result, count) => {
      counts[result] = (counts[result] ?? 0) + count;
    },
    onError: (error) => errors.push(error),
    retryMs: 5,
    ...more,
  });
  const decide = (n: number) => decisions.recorded({ ...decisionDraft({}), decision_id: id(n) });
  return { state, written, counts, errors, recorder, decide };
}

test("an outcome is recorded with what its decision's record says, and not with what the entry says", async () => {
  const { written, counts, recorder, decide } = setUp();
  await decide(1);
  recorder.take(entryOf(id(1), {}, told));
  recorder.take(entryOf(id(1), {}, told));
  await recorder.close();
  expect(written).toEqual([
    {
      kind: "outcome",
      timestamp: "2026-01-02T03:04:05.678Z",
      decision_id: id(1),
      deployment_id: null,
      session_id: "s-1",
      agent_id: "deploy-manager",
      tool: "deploy-api",
      action: "deploy",
      environment: "staging",
      service: null,
      request_id: "d4c2b7a0-0d5e-9a31-8f0c-1d7a5b6c7d8e",
      outcome: "succeeded",
      status: 200,
      flags: [],
      duration_us: 1_002_346,
      upstream: "127.0.0.1:8080",
    },
  ]);
  expect(counts).toEqual({ recorded: 1, repeated: 1 });
});

test("without a decision of ours it is not linked", async () => {
  const { written, counts, recorder } = setUp();
  recorder.take(entryOf(id(1), {}, told));
  recorder.take(entryOf(id(1), {}, told));
  recorder.take(entryOf("nonsense"));
  recorder.take(entryOf(id(2), {}, { enforced: "deny" }));
  recorder.lost("dropped", 7);
  await recorder.close();
  expect(written).toHaveLength(1);
  expect(written[0]).toMatchObject({
    decision_id: id(1),
    agent_id: "somebody",
    tool: "some-tool",
    action: "act",
    deployment_id: null,
    session_id: null,
    environment: null,
    service: null,
  });
  expect(counts).toEqual({ unlinked: 1, repeated: 1, malformed: 1, dropped: 7 });
});

test("nobody fills the disk with decisions that never were, and real ones are recorded all the while", async () => {
  const { state, written, counts, recorder, decide } = setUp();
  for (let n = 0; n < 2_000; n++) recorder.take(entryOf(id(n)));
  await decide(9_000);
  recorder.take(entryOf(id(9_000)));
  await until(() => written.length === unlinkedPerMinute + 1, { what: "the records" });
  expect(counts).toEqual({ unlinked: unlinkedPerMinute, recorded: 1, dropped: 2_000 - unlinkedPerMinute });
  state.now += 60_000;
  for (let n = 10_000; n < 12_000; n++) recorder.take(entryOf(id(n)));
  await recorder.close();
  expect(counts.unlinked).toBe(2 * unlinkedPerMinute);
});

test("who tells of an end first cannot hide another one, and claims no more than an end that nobody knows", async () => {
  const { written, counts, recorder, decide } = setUp();
  await decide(1);
  recorder.take(entryOf(id(1), {}, told));
  for (const code of [500, 500, 502])
    recorder.take(entryOf(id(1), { response: { response_code: { value: code } } }, told));
  await recorder.close();
  expect(written).toMatchObject([
    { decision_id: id(1), session_id: "s-1", outcome: "succeeded", status: 200 },
    { decision_id: id(1), session_id: null, outcome: "failed", status: 500 },
  ]);
  expect(counts).toEqual({ recorded: 1, unlinked: 1, repeated: 2 });
});

test("only a few are on their way to the audit at once", async () => {
  const { state, written, recorder, decide } = setUp();
  for (let n = 0; n < 500; n++) await decide(n);
  for (let n = 0; n < 500; n++) recorder.take(entryOf(id(n)));
  await recorder.close();
  expect(written).toHaveLength(500);
  expect(state.mostAtOnce).toBeGreaterThan(1);
  expect(state.mostAtOnce).toBeLessThanOrEqual(64);
});

describe("while the audit cannot be written", () => {
  test("outcomes wait, in order, and are written when it can", async () => {
    const { state, written, counts, recorder, decide } = setUp();
    for (let n = 0; n < 100; n++) await decide(n);
    state.failure = new AuditUnavailable("the disk is full");
    for (let n = 0; n < 50; n++) recorder.take(entryOf(id(n)));
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (let n = 50; n < 100; n++) recorder.take(entryOf(id(n)));
    expect(counts).toEqual({});
    state.failure = null;
    await until(() => written.length === 100, { what: "all outcomes" });
    expect(written.map((draft) => "decision_id" in draft && draft.decision_id)).toEqual(
      Array.from({ length: 100 }, (_, n) => id(n)),
    );
    expect(counts).toEqual({ recorded: 100 });
    await recorder.close();
  });

  test("there is an end to what can wait, and what finds no room is counted", async () => {
    const { state, counts, recorder, decide } = setUp({ most: 10 });
    for (let n = 0; n < 30; n++) await decide(n);
    state.failure = new AuditUnavailable("the disk is full");
    for (let n = 0; n < 30; n++) recorder.take(entryOf(id(n)));
    expect(counts).toEqual({ dropped: 20 });
    await recorder.close();
    expect(counts).toEqual({ dropped: 30 });
  });

  test("at the end it is tried once more", async () => {
    const { state, written, counts, recorder, decide } = setUp({ retryMs: 60_000 });
    await decide(1);
    state.failure = new AuditUnavailable("the disk is full");
    recorder.take(entryOf(id(1)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    state.failure = null;
    await recorder.close();
    expect(written).toHaveLength(1);
    expect(counts).toEqual({ recorded: 1 });
  });
});

test("a record that can never be written is told of, and holds up no other", async () => {
  const { state, written, counts, errors, recorder, decide } = setUp();
  await decide(1);
  await decide(2);
  state.failure = new TypeError("no JSON form");
  recorder.take(entryOf(id(1)));
  await until(() => errors.length === 1, { what: "the error" });
  state.failure = null;
  recorder.take(entryOf(id(2)));
  await recorder.close();
  expect(written).toHaveLength(1);
  expect(counts).toEqual({ dropped: 1, recorded: 1 });
});
