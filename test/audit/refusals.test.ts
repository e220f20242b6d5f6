import { stat } from "node:fs/promises";
import { type AuditSink, AuditUnavailable, type DecisionRecord, type RecordDraft } from "../../src/audit/record.js";
import { aggregateRefusals, type RefusalOptions } from "../../src/audit/refusals.js";
import { verifyFiles } from "../../src/audit/verify.js";
import { openWriter } from "../../src/audit/writer.js";
import { auditRecords, auditSegments } from "../harness/records.js";
import { until } from "../harness/until.js";
import { adminDraft, decisionDraft, ed25519, optionsFor, policyDraft, scratch } from "./samples.js";

const dir = scratch();
const hour = 3_600_000;
const sinks: AuditSink[] = [];
afterEach(() => Promise.allSettled(sinks.splice(0).map((sink) => sink.close())));

/** A sink that keeps what it is given, and fails while it is told to. */
class Kept implements AuditSink {
  readonly records: DecisionRecord[] = [];
  failing = false;
  closed = false;

  async append(draft: RecordDraft): Promise<void> {
    if (this.failing) throw new AuditUnavailable("made to fail");
    this.records.push(draft as DecisionRecord);
  }
  trouble(): string | null {
    return this.failing ? "made to fail" : null;
  }
  async close(): Promise<void> {
    this.closed = true;
  }
  counted(): DecisionRecord[] {
    return this.records.filter(({ aggregated }) => aggregated);
  }
}

function counting(more: Partial<RefusalOptions> = {}) {
  const kept = new Kept();
  let nowUs = 0;
  const warnings: string[] = [];
  const runtime = { monotonicMicros: () => nowUs };
  const onWarning = (message: string) => void warnings.push(message);
  const sink = aggregateRefusals(kept, { whole: 2, withinMs: hour, runtime, onWarning, ...more });
  sinks.push(sink);
  const pass = (ms: number): void => {
    nowUs += ms * 1_000;
  };
  return { kept, sink, pass, warnings };
}

let number = 0;
function refused(more: Partial<DecisionRecord> = {}): DecisionRecord {
  number += 1;
  return {
    ...decisionDraft({ params: { number } }),
    decision_id: `decision-${number}`,
    timestamp: new Date(Date.parse("2026-03-01T12:00:00Z") + number).toISOString(),
    decision: "deny",
    enforced: "deny",
    reason: "max_replicas",
    violations: [{ rule: "max_replicas", actual: number, message: `replicas ${number}` }],
    outcome: "denied",
    request_id: `request-${number}`,
    latency_us: number,
    ...more,
  };
}

const times = async (count: number, append: (i: number) => Promise<void>): Promise<void> => {
  for (let i = 0; i < count; i++) await append(i);
};

test("beyond a measure refusals are counted, and recorded as one when the server stops", async () => {
  const { kept, sink } = counting();
  const drafts = Array.from({ length: 10 }, () => refused());
  for (const draft of drafts) await sink.append(draft);
  expect(kept.records).toEqual(drafts.slice(0, 2));
  await sink.close();
  expect(kept.closed).toBe(true);
  const [third, last] = [drafts[2] as DecisionRecord, drafts[9] as DecisionRecord];
  expect(kept.counted()).toEqual([
    {
      ...last,
      aggregated: {
        count: 8,
        from: third.timestamp,
        to: last.timestamp,
        calls: [{ action: third.action, environment: third.environment, path: third.http?.path ?? null, count: 8 }],
        others: 0,
      },
      violations: [{ rule: "max_replicas" }],
      opa_decision: null,
      request_id: null,
      latency_us: Math.round((third.latency_us + last.latency_us) / 2),
    },
  ]);
});

test("what differs among them is null, what all have in common stays", async () => {
  const { kept, sink } = counting({ whole: 0 });
  const http = { method: "POST", host: "deploy.internal", path: "/v1/deploy" };
  const token = { iss: "i", sub: "deploy-manager", aud: "countersign", scope: "", exp: 1 };
  const one = { http, token, action: "deploy", environment: "staging", service: "shop", local: true as const };
  const rules = (...names: string[]) => names.map((rule) => ({ rule, message: "" }));
  await sink.append(refused({ ...one, violations: rules("max_replicas", "params") }));
  await sink.append(
    refused({
      ...one,
      environment: "production",
      http: { ...http, path: "/v1/other" },
      token: { ...token },
      violations: rules("windows", "max_replicas"),
    }),
  );
  await sink.close();
  expect(kept.records).toMatchObject([
    {
      aggregated: { count: 2 },
      ...{ action: "deploy", environment: null, service: "shop", session_id: "s-1", http: null, token },
      violations: [{ rule: "max_replicas" }],
    },
  ]);
  expect(kept.records[0]).not.toHaveProperty("local");
});

test("each kind of refusal has a count of its own", async () => {
  const { kept, sink } = counting({ whole: 0 });
  const kinds: Partial<DecisionRecord>[] = [
    {},
    { agent_id: "other" },
    { agent_id: null },
    { tool: "reports" },
    { reason: "params" },
    { mode: "shadow" },
    { decision: "approval_needed" },
    { enforced: "approval_needed" },
  ];
  await times(3, async () => {
    for (const kind of kinds) await sink.append(refused(kind));
  });
  await sink.close();
  expect(kept.records.map(({ aggregated }) => aggregated?.count)).toEqual(kinds.map(() => 3));
  expect(kept.records).toMatchObject(kinds);
});

test("each agent has a measure of its own, and callers whom nobody knows share one", async () => {
  const { kept, sink } = counting({ whole: 2 });
  for (const agent_id of ["a", "b", null]) await times(5, () => sink.append(refused({ agent_id })));
  expect(kept.records.map(({ agent_id }) => agent_id)).toEqual(["a", "a", "b", "b", null, null]);
});

test("calls that pass, in shadow too, and records of other kinds are never counted", async () => {
  const { kept, sink } = counting({ whole: 0 });
  const drafts: RecordDraft[] = [
    refused({ enforced: "allow", decision: "deny", mode: "shadow" }),
    refused({ enforced: "sanitize" }),
    policyDraft("a"),
    adminDraft(),
  ];
  for (const draft of drafts) await sink.append(draft);
  expect(kept.records).toEqual(drafts);
});

test("a call that opens an approval or has used one up is never counted, those that wait for it are", async () => {
  const { kept, sink } = counting({ whole: 0 });
  const waiting = (approval_id: string) => refused({ enforced: "approval_needed", approval_id });
  const human_approval = [{ approver: "alice", timestamp: "2026-03-01T12:00:00Z", approval_id: "apr_1" }];
  await times(5, () => sink.append(waiting("apr_1")));
  await sink.append(waiting("apr_2"));
  await sink.append(refused({ approval_id: "apr_1", human_approval }));
  expect(kept.records.map(({ approval_id }) => approval_id)).toEqual(["apr_1", "apr_2", "apr_1"]);
  await sink.close();
  expect(kept.counted()).toMatchObject([{ approval_id: "apr_1", aggregated: { count: 4 } }]);
});

test("an approval whose record failed is recorded whole the next time", async () => {
  const { kept, sink } = counting({ whole: 0 });
  const waiting = () => refused({ enforced: "approval_needed", approval_id: "apr_1" });
  kept.failing = true;
  await expect(sink.append(waiting())).rejects.toThrow(AuditUnavailable);
  kept.failing = false;
  await sink.append(waiting());
  expect(kept.records).toMatchObject([{ approval_id: "apr_1" }]);
});

test("large calls use the measure up sooner", async () => {
  const { kept, sink } = counting({ whole: 10 });
  const violations = [{ rule: "params", actual: "x".repeat(100_000) }];
  await times(10, () => sink.append(refused({ violations })));
  expect(kept.records).toHaveLength(2);
});

test("after the window the counts are recorded by themselves, and the measure is whole again", async () => {
  const { kept, sink } = counting({ whole: 1, withinMs: 100 });
  await times(4, () => sink.append(refused()));
  await until(() => kept.counted().length === 1, { what: "the counts" });
  await sink.append(refused());
  expect(kept.records.map(({ aggregated }) => aggregated?.count ?? 1)).toEqual([1, 3, 1]);
});

test("a timer that is late does not make the window longer", async () => {
  const { kept, sink, pass } = counting({ whole: 1 });
  await times(3, () => sink.append(refused()));
  pass(hour);
  await sink.append(refused());
  await until(() => kept.records.length === 3, { what: "the counts" });
  expect(kept.records.map(({ aggregated }) => aggregated?.count ?? 1).sort()).toEqual([1, 1, 2]);
});

test("while nothing can be recorded, what is only counted is answered, all else is refused, and no count is lost", async () => {
  const { kept, sink } = counting({ whole: 1, withinMs: 50 });
  await sink.append(refused());
  kept.failing = true;
  await times(5, () => sink.append(refused()));
  await expect(sink.append(decisionDraft({}))).rejects.toThrow(AuditUnavailable);
  await expect(sink.append(refused({ agent_id: "other" }))).rejects.toThrow(AuditUnavailable);
  expect(sink.trouble()).toBe("made to fail");
  // Some windows go by.
  await new Promise((resolve) => setTimeout(resolve, 300));
  kept.failing = false;
  await until(() => kept.counted().length === 1, { what: "the counts" });
  expect(kept.counted()).toMatchObject([{ aggregated: { count: 5 } }]);
});

test("counts that cannot be recorded at the close are told", async () => {
  const { kept, sink, warnings } = counting({ whole: 0 });
  await times(7, () => sink.append(refused()));
  kept.failing = true;
  await sink.close();
  expect(warnings).toEqual(["7 refused calls were counted, and could not be recorded"]);
});

test("many kinds of refusal are recorded before the window is over, so that memory is bounded", async () => {
  const { kept, sink } = counting({ whole: 0 });
  await times(12_000, (i) => sink.append(refused({ reason: `max_${i}` })));
  expect(kept.counted().length).toBeGreaterThanOrEqual(5_000);
  await sink.close();
  expect(kept.counted()).toHaveLength(12_000);
});

test("an agent that is refused a million times leaves a few records, and the counts add up", async () => {
  const writer = await openWriter(optionsFor(dir.path()));
  const runtime = { monotonicMicros: () => Math.round(performance.now() * 1_000) };
  const sink = aggregateRefusals(writer, { whole: 300, withinMs: 10_000, runtime });
  const total = 1_000_000;
  for (let i = 0; i < total; i++) {
    const done = sink.append(refused());
    if (i % 1_000 === 0) await done;
    // Timers and the disk have their turn too.
    if (i % 10_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await sink.close();
  const sizes = await Promise.all((await auditSegments(dir.path())).map(async (path) => (await stat(path)).size));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(5_000_000);
  const records = (await auditRecords(dir.path())) as unknown as DecisionRecord[];
  expect(records.reduce((sum, { aggregated }) => sum + (aggregated?.count ?? 1), 0)).toBe(total);
  expect((await verifyFiles([dir.path()], [ed25519])).problems).toEqual([]);
  process.stdout.write(`a million refusals: ${records.length} records, ${sizes.reduce((a, b) => a + b, 0)} bytes\n`);
}, 300_000);

test("the calls that were counted are named, up to eight different ones", async () => {
  const { kept, sink } = counting({ whole: 0 });
  const of = (action: string, environment: string | null = "staging") =>
    refused({ action, environment, http: { method: "POST", host: "deploy.internal", path: `/v1/${action}` } });
  const named = (action: string, count: number, environment: string | null = "staging") => {
    return { action, environment, path: `/v1/${action}`, count };
  };
  await times(500, () => sink.append(of("deploy")));
  await sink.append(of("delete", "production"));
  await times(500, () => sink.append(of("deploy")));
  // Too long to be repeated again and again.
  await sink.append(of("x".repeat(121), "y".repeat(121)));
  for (const action of ["a", "b", "c", "d", "e", "f", "g"]) await sink.append(of(action));
  await sink.close();
  expect(kept.counted().map(({ aggregated }) => aggregated)).toMatchObject([
    {
      count: 1_009,
      calls: [
        named("deploy", 1_000),
        named("delete", 1, "production"),
        { action: null, environment: null, path: null, count: 1 },
        ...["a", "b", "c", "d", "e"].map((action) => named(action, 1)),
      ],
      others: 2,
    },
  ]);
});
