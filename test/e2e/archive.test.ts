import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { openBucket } from "../../src/archive/bucket_source.js";
import { maxLineBytes } from "../../src/audit/fit.js";
import { segmentsIn } from "../../src/audit/segments.js";
import { countersign, temporaryFolder } from "../cli/run.js";
import { crowd } from "../harness/crowd.js";
import { findVersitygw } from "../harness/find_versitygw.js";
import { type Pair, startPair } from "../harness/pair.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { type Receiver, startReceiver } from "../harness/receiver.js";
import { type OwnS3, startS3 } from "../harness/s3.js";
import { until } from "../harness/until.js";

const part = await requirePart("versitygw", findVersitygw);

const bucket = "audit";
const prefix = "e2e";
const calls = 300;
const callers = 8;

describeWith(part, "with object storage and the OTLP endpoint down", (use) => {
  let s3: OwnS3;
  let collector: Receiver;
  let collectorAway = false;
  let pair: Pair;
  const before = { ...process.env };

  beforeAll(async () => {
    s3 = await startS3(use());
    Object.assign(process.env, s3.env);
    await s3.createBucket(bucket);
    // `null` never answers: what a collector that hangs does.
    collector = await startReceiver(() => (collectorAway ? null : { status: 200, body: "{}" }));
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
        OTEL_BSP_SCHEDULE_DELAY: "50",
      },
    });
  }, 120_000);
  afterAll(async () => {
    await pair?.stop();
    await collector?.close();
    await s3?.stop();
    process.env = before;
  });

  /** Median latency in milliseconds of calls through both servers, every one of which has to pass. */
  async function load(): Promise<number> {
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
    return took.sort((a, b) => a - b)[calls / 2] ?? 0;
  }

  const archiveMetric = (name: string) =>
    Promise.all(pair.members.map((member) => member.metric(`countersign_audit_archive_${name}`)));
  const readiness = async () => {
    const answers = await Promise.all(pair.members.map((member) => member.ask("/readyz")));
    return answers.map(({ status, body }) => ({ status, archive: JSON.parse(body).state.audit_archive as string }));
  };
  const spans = () => collector.received.filter(({ path }) => path === "/v1/traces").length;

  test("decisions go on, it shows, and every record is in the bucket in the end", async () => {
    await load();
    const up = await load();
    await until(async () => (await archiveMetric('uploads_total{result="stored"}')).every((n) => n > 1), {
      what: "first uploads",
      timeoutMs: 60_000,
    });
    expect(await readiness()).toEqual([
      { status: 200, archive: "ok" },
      { status: 200, archive: "ok" },
    ]);

    await s3.kill();
    collectorAway = true;
    const first = await load();
    await until(async () => (await archiveMetric("waiting_segments")).every((n) => n > 0), {
      what: "segments to wait",
      timeoutMs: 60_000,
    });
    const down = Math.min(first, await load());
    for (const { status, archive } of await readiness()) {
      expect([status, archive]).toEqual([200, expect.stringMatching(/^\d+ segments waiting, last error at /)]);
    }
    expect(await archiveMetric("up")).toEqual([0, 0]);

    // One of the two starts anew meanwhile, as after a crash.
    const [one] = pair.members;
    one.server.signal("SIGKILL");
    await one.server.ended;

    const seen = spans();
    collectorAway = false;
    await s3.restart();
    const [, other] = pair.members;
    await until(async () => (await other.metric("countersign_audit_archive_up")) === 1, {
      what: "it to be back",
      timeoutMs: 90_000,
    });
    await until(
      async () => {
        await other.check({ agent: "counted" });
        return spans() > seen;
      },
      { what: "spans to arrive again", timeoutMs: 90_000, everyMs: 250 },
    );
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

    console.info(
      `${local.length} records of 2 writers, all of them in the bucket; ` +
        `median latency up ${up.toFixed(2)} ms, both down ${down.toFixed(2)} ms, ratio ${(down / up).toFixed(2)}`,
    );
    // Lax: a decision that waited for either would take seconds.
    expect(down).toBeLessThan(Math.max(500, up * 20));
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
