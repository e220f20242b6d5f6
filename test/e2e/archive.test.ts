import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { openBucket } from "../../src/archive/bucket_source.js";
import { maxLineBytes } from "../../src/audit/fit.js";
import { segmentsIn } from "../../src/audit/segments.js";
import { countersign, temporaryFolder } from "../cli/run.js";
import { type Collector, startCollector } from "../harness/collector.js";
import { crowd } from "../harness/crowd.js";
import { findVersitygw } from "../harness/find_versitygw.js";
import { type Member, type Pair, startPair } from "../harness/pair.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { type OwnS3, startS3 } from "../harness/s3.js";
import { until } from "../harness/until.js";

const part = await requirePart("versitygw", findVersitygw);

const bucket = "audit";
const prefix = "e2e";
const calls = 300;
const callers = 8;
const rounds = 3;

describeWith(part, "with object storage and the OTLP endpoint down", (use) => {
  let s3: OwnS3;
  let collector: Collector;
  let pair: Pair;
  const before = { ...process.env };

  beforeAll(async () => {
    s3 = await startS3(use());
    Object.assign(process.env, s3.env);
    await s3.createBucket(bucket);
    collector = await startCollector("http");
    pair = await startPair({
      store: "memory:",
      agents: { counted: { actions: [{ name: "export" }] } },
      env: {
        COUNTERSIGN_AUDIT_S3_BUCKET: bucket,
        COUNTERSIGN_AUDIT_S3_PREFIX: prefix,
        COUNTERSIGN_AUDIT_S3_ENDPOINT: s3.endpoint,
        COUNTERSIGN_AUDIT_S3_RETENTION_DAYS: "2",
        COUNTERSIGN_AUDIT_SEGMENT_MAX_AGE: "1s",
        COUNTERSIGN_AUDIT_HEADS_EVERY: "1s",
        COUNTERSIGN_TELEMETRY_OTLP: collector.url,
        COUNTERSIGN_TELEMETRY_SAMPLING: "1",
        OTEL_BSP_SCHEDULE_DELAY: "50",
      },
    });
  });
  afterAll(async () => {
    await pair?.stop();
    await collector?.stop();
    await s3?.stop();
    process.env = before;
  });

  /** Latencies in milliseconds of calls through both servers, every one of which has to pass. */
  async function load(): Promise<number[]> {
    const took: number[] = [];
    await crowd(
      callers,
      (n) => n < calls,
      async (n) => {
        const { allowed, reason, ms } = await pair.of(n).check({ agent: "counted" });
        expect([allowed, reason]).toEqual([true, "allowed"]);
        took.push(ms);
      },
    );
    return took;
  }
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

  const archiveMetric = (name: string) =>
    Promise.all(pair.members.map((member) => member.metric(`countersign_audit_archive_${name}`)));
  const readiness = async () => {
    const answers = await Promise.all(pair.members.map((member) => member.ask("/readyz")));
    return answers.map(({ status, body }) => ({ status, archive: JSON.parse(body).state.audit_archive as string }));
  };
  /** What has a span at the collector. */
  const spans = () =>
    new Set(
      collector.spans.filter(({ name }) => name === "countersign.decision").map((span) => span.attributes.decision_id),
    );
  const decided = async (audit: string) =>
    (await recordsOf(audit))
      .map((line): Record<string, unknown> => JSON.parse(line))
      .flatMap(({ kind, decision_id }) => (kind === "decision" ? [decision_id] : []));

  async function goAway(): Promise<void> {
    collector.answer = "silence";
    await s3.kill();
    await until(
      async () => {
        await Promise.all(pair.members.map((member) => member.check({ agent: "counted" })));
        return (await archiveMetric("up")).every((n) => n === 0);
      },
      { what: "both servers to see that the bucket is away", timeoutMs: 60_000, everyMs: 250 },
    );
  }

  /** Waits until one decision of each of these members has its span and the bucket takes what they have. */
  async function comeBack(members: readonly Member[]): Promise<void> {
    collector.answer = 200;
    await s3.restart();
    const last = await Promise.all(members.map((member) => member.check({ agent: "counted" })));
    await until(() => last.every(({ decisionId }) => spans().has(decisionId)), {
      what: "spans to arrive again",
      timeoutMs: 90_000,
    });
    const up = async () => Promise.all(members.map((member) => member.metric("countersign_audit_archive_up")));
    await until(async () => (await up()).every((n) => n === 1), { what: "the bucket to be back", timeoutMs: 120_000 });
  }

  test("decisions go on, it shows, and every record and every span arrives in the end", async () => {
    const [one, other] = pair.members;
    // A process that has just started is slower at first.
    for (let n = 0; n < rounds; n++) await load();
    await until(async () => (await archiveMetric('uploads_total{result="stored"}')).every((n) => n > 1), {
      what: "first uploads",
      timeoutMs: 60_000,
    });
    expect(await readiness()).toEqual([
      { status: 200, archive: "ok" },
      { status: 200, archive: "ok" },
    ]);

    // In turns, so that whatever else this machine does meanwhile is in both.
    const [up, down]: [number[], number[]] = [[], []];
    let before: unknown[] = [];
    for (let round = 0; round < rounds; round++) {
      if (round > 0) await comeBack([one, other]);
      up.push(...(await load()));
      before = await decided(other.audit);
      await goAway();
      down.push(...(await load()));
    }
    await until(async () => (await archiveMetric("waiting_segments")).every((n) => n > 0), {
      what: "segments to wait",
      timeoutMs: 60_000,
    });
    for (const { status, archive } of await readiness()) {
      expect([status, archive]).toEqual([200, expect.stringMatching(/^\d+ segments waiting, last error at /)]);
    }

    // One of the two starts anew meanwhile, as after a crash.
    one.server.signal("SIGKILL");
    await one.server.ended;

    const known = new Set(before);
    const whileAway = (await decided(other.audit)).filter((id) => !known.has(id));
    expect(whileAway.length).toBeGreaterThanOrEqual(calls / 2);
    // The second one comes when the first, which holds spans of these decisions, was given up.
    const tries = collector.headers.length;
    await until(() => collector.headers.length >= tries + 2, { what: "two tries", timeoutMs: 60_000 });
    expect(whileAway.filter((id) => spans().has(id))).toEqual([]);
    const owed = await decided(other.audit);
    await comeBack([other]);
    await until(() => owed.every((id) => spans().has(id)), {
      what: "a span of every decision that it recorded, also while the collector was away",
      timeoutMs: 60_000,
    });
    expect(await other.metric('countersign_spans_total{result="dropped"}')).toBe(0);
    await pair.restart(0);
    expect((await pair.members[0].check({ agent: "counted" })).allowed).toBe(true);
    for (const { server } of pair.members) {
      server.signal("SIGTERM");
      expect(await server.ended).toEqual({ code: 0, signal: null });
    }

    const local = (await Promise.all(pair.members.map(({ audit }) => recordsOf(audit)))).flat();
    const kept = await recordsInBucket();
    expect(kept.problems).toEqual([]);
    expect(kept.lines.toSorted()).toEqual(local.toSorted());
    expect(kept.heads).toBeGreaterThan(1);

    const { folder, undo } = await temporaryFolder();
    const fetched = await countersign([
      "audit",
      "fetch",
      `s3://${bucket}/${prefix}`,
      join(folder, "copy"),
      "--endpoint",
      s3.endpoint,
    ]);
    expect(fetched).toMatchObject({ code: 0 });
    const verified = await countersign(["audit", "verify", join(folder, "copy"), "--key", pair.auditKey]);
    expect(verified).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("every signature and every link holds"),
    });
    await undo();

    const [upMs, downMs] = [median(up), median(down)];
    console.info(
      `${local.length} records of 2 writers, all of them in the bucket; ` +
        `${whileAway.length} spans of one of them that waited for the collector; median latency in ${rounds} turns: ` +
        `both up ${upMs.toFixed(2)} ms, both down ${downMs.toFixed(2)} ms, ratio ${(downMs / upMs).toFixed(2)}`,
    );
    // Gross: a decision that waited for either would take seconds.
    expect(downMs).toBeLessThan(Math.max(1_000, upMs * 3));
  });

  async function recordsOf(audit: string): Promise<string[]> {
    const lines: string[] = [];
    for (const { name } of (await readdir(audit, { withFileTypes: true })).filter((entry) => entry.isDirectory())) {
      for (const segment of await segmentsIn(join(audit, name))) {
        lines.push(...(await readFile(join(audit, name, segment), "utf8")).split("\n").filter(Boolean));
      }
    }
    return lines;
  }

  async function recordsInBucket() {
    const source = await openBucket(`s3://${bucket}/${prefix}`, { endpoint: s3.endpoint, retentionDays: 2 });
    const lines: string[] = [];
    for (const { segments } of await source.chains()) {
      for (const segment of segments) {
        for await (const { bytes } of segment.lines(maxLineBytes)) lines.push(Buffer.from(bytes).toString());
      }
    }
    let heads = 0;
    for await (const _ of source.heads()) heads += 1;
    return { lines, heads, problems: source.problems() };
  }
});
