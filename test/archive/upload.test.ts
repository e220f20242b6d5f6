import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bucket } from "../../src/archive/client.js";
import { segmentsIn } from "../../src/audit/segments.js";
import { openWriter } from "../../src/audit/writer.js";
import { optionsFor, scratch, writerName } from "../audit/samples.js";
import { describeWith } from "../harness/parts.js";
import { until } from "../harness/until.js";
import { changedS3 } from "./changed_s3.js";
import {
  type Archiving,
  archiving,
  dayMs,
  fillChain,
  findS3,
  freshBucket,
  headsAt,
  keysIn,
  oneS3,
  receiptsIn,
} from "./fixture.js";

const part = await findS3();

describeWith(part, "segments in object storage", (use) => {
  const s3 = oneS3(use);
  const dir = scratch();
  const opened: Archiving[] = [];
  const start = async (bucket: Bucket): Promise<Archiving> => {
    const one = archiving(bucket, dir.path());
    opened.push(one);
    await one.archiver.start();
    return one;
  };
  afterEach(() => Promise.all(opened.splice(0).map(({ archiver }) => archiver.close(1_000))));

  const untilIdle = ({ archiver, metric }: Archiving) =>
    until(
      async () => archiver.trouble() === null && (await metric("up")) === 1 && (await metric("waiting_segments")) === 0,
      {
        what: "everything to be archived",
        timeoutMs: 60_000,
      },
    );

  test("every finished segment is put under its day and writer, locked and with its checksum; the one in use is not", async () => {
    const folder = await fillChain(dir.path(), 12);
    const bucket = await freshBucket(s3());
    const segments = await segmentsIn(folder);
    const finished = segments.slice(0, -1);
    expect(finished.length).toBeGreaterThan(2);
    const from = Date.now();
    await untilIdle(await start(bucket));

    const writer = folder.split("/").at(-1);
    expect(await keysIn(bucket)).toEqual(finished.map((name) => `audit/test/2026/01/02/${writer}/${name}`));
    expect(await receiptsIn(folder)).toEqual(finished);
    for (const name of finished) {
      const bytes = await readFile(join(folder, name));
      const sha256 = createHash("sha256").update(bytes);
      const receipt = JSON.parse(await readFile(join(folder, `${name}.receipt`), "utf8"));
      const version = { Bucket: bucket.place.bucket, Key: receipt.key, VersionId: receipt.version_id };
      const head = await bucket.s3.headObject({ ...version, ChecksumMode: "ENABLED" });
      expect(head).toMatchObject({
        ContentType: "application/x-ndjson",
        ContentLength: bytes.length,
        ObjectLockMode: "COMPLIANCE",
        ChecksumSHA256: sha256.copy().digest("base64"),
      });
      expect(receipt.sha256).toBe(sha256.digest("hex"));
      const lockedMs = (head.ObjectLockRetainUntilDate?.getTime() ?? 0) - from;
      expect(lockedMs).toBeGreaterThan(30 * dayMs - 1_000);
      expect(lockedMs).toBeLessThan(30 * dayMs + 600_000);
    }
  });

  test("nobody can delete what was put, or shorten its retention", async () => {
    const folder = await fillChain(dir.path(), 4);
    const bucket = await freshBucket(s3());
    await untilIdle(await start(bucket));
    const [name = ""] = await receiptsIn(folder);
    const { key, version_id } = JSON.parse(await readFile(join(folder, `${name}.receipt`), "utf8"));
    const owner = s3().client;
    const version = { Bucket: bucket.place.bucket, Key: key, VersionId: version_id };
    const sooner = { RetainUntilDate: new Date(Date.now() + dayMs) };
    const denied = { name: "AccessDenied", $metadata: { httpStatusCode: 403 } };
    await expect(owner.deleteObject(version)).rejects.toMatchObject(denied);
    await expect(owner.deleteObject({ ...version, BypassGovernanceRetention: true })).rejects.toMatchObject(denied);
    const shorten = (Mode: "COMPLIANCE" | "GOVERNANCE") =>
      owner.putObjectRetention({ ...version, BypassGovernanceRetention: true, Retention: { Mode, ...sooner } });
    await expect(shorten("COMPLIANCE")).rejects.toMatchObject(denied);
    await expect(shorten("GOVERNANCE")).rejects.toMatchObject(denied);
    const { Body } = await owner.getObject(version);
    expect(await Body?.transformToString()).toBe(await readFile(join(folder, name), "utf8"));
  });

  test("what is there is not put again, with its receipt or without", async () => {
    const folder = await fillChain(dir.path(), 8);
    const bucket = await freshBucket(s3());
    const first = await start(bucket);
    await untilIdle(first);
    await first.archiver.close(1_000);
    const keys = await keysIn(bucket);
    const [name = ""] = await receiptsIn(folder);
    const receipt = JSON.parse(await readFile(join(folder, `${name}.receipt`), "utf8"));
    await rm(join(folder, `${name}.receipt`));
    await writeFile(join(folder, `${(await receiptsIn(folder))[0]}.receipt`), "{torn");

    const second = await start(await freshClient(bucket));
    await untilIdle(second);
    expect(await keysIn(await freshClient(bucket))).toEqual(keys);
    expect(JSON.parse(await readFile(join(folder, `${name}.receipt`), "utf8"))).toMatchObject({
      key: receipt.key,
      version_id: receipt.version_id,
      sha256: receipt.sha256,
    });
    expect(await second.metric(`uploads_total{result="stored"}`)).toBe(2);
  });

  test("other bytes under a segment's key are told, left as they are, and hold up nothing else", async () => {
    const folder = await fillChain(dir.path(), 8);
    const bucket = await freshBucket(s3());
    const finished = (await segmentsIn(folder)).slice(0, -1);
    const Key = `audit/test/2026/01/02/${folder.split("/").at(-1)}/${finished[0]}`;
    await s3().client.putObject({ Bucket: bucket.place.bucket, Key, Body: "something else" });
    const one = await start(bucket);
    await until(async () => (await receiptsIn(folder)).length === finished.length - 1, { what: "the others" });
    expect(one.archiver.trouble()).toMatch(/^1 cannot be archived: s3:\/\/\S+ holds other bytes than the server has/);
    expect(await one.metric(`uploads_total{result="foreign"}`)).toBe(1);
    expect(one.log.filter(({ level }) => level === "error")).toHaveLength(1);
    const { Versions } = await s3().client.listObjectVersions({ Bucket: bucket.place.bucket, Prefix: Key });
    expect(Versions).toHaveLength(1);
  });

  test("an object of the same bytes that somebody put there without a lock does not count", async () => {
    const folder = await fillChain(dir.path(), 4);
    const bucket = await freshBucket(s3());
    const [name = ""] = await segmentsIn(folder);
    const Body = await readFile(join(folder, name));
    const ChecksumSHA256 = createHash("sha256").update(Body).digest("base64");
    const Key = `audit/test/2026/01/02/${folder.split("/").at(-1)}/${name}`;
    await s3().client.putObject({ Bucket: bucket.place.bucket, Key, Body, ChecksumSHA256 });
    const one = await start(bucket);
    await until(() => one.archiver.trouble()?.includes("by somebody else, without a lock"), { what: "the alarm" });
  });

  test("a lock that would end too soon is lengthened, and the receipt says the new time", async () => {
    const folder = await fillChain(dir.path(), 4);
    const bucket = await freshBucket(s3());
    const [name = ""] = await segmentsIn(folder);
    const Body = await readFile(join(folder, name));
    const at = { Bucket: bucket.place.bucket, Key: `audit/test/2026/01/02/${folder.split("/").at(-1)}/${name}` };
    const { VersionId } = await s3().client.putObject({
      ...at,
      Body,
      ChecksumSHA256: createHash("sha256").update(Body).digest("base64"),
      ObjectLockMode: "COMPLIANCE",
      ObjectLockRetainUntilDate: new Date(Date.now() + 60_000),
    });
    const from = Date.now();
    const one = await start(bucket);
    await untilIdle(one);
    const receipt = JSON.parse(await readFile(join(folder, `${name}.receipt`), "utf8"));
    expect(receipt.version_id).toBe(VersionId);
    expect(Date.parse(receipt.retain_until)).toBeGreaterThanOrEqual(from + 30 * dayMs);
    const untilOf = async () =>
      (await s3().client.getObjectRetention({ ...at, VersionId })).Retention?.RetainUntilDate?.getTime() ?? 0;
    const lengthened = await untilOf();
    expect(Math.abs(lengthened - Date.parse(receipt.retain_until))).toBeLessThanOrEqual(1_000);

    // As after a crash with a shorter retention since: nothing is shortened, and the receipt says what holds.
    await one.archiver.close(1_000);
    await rm(join(folder, `${name}.receipt`));
    const again = archiving(await freshClient(bucket), dir.path(), {}, 10 * dayMs);
    opened.push(again);
    await again.archiver.start();
    await untilIdle(again);
    expect(await untilOf()).toBe(lengthened);
    const second = JSON.parse(await readFile(join(folder, `${name}.receipt`), "utf8"));
    // A server may tell whole seconds.
    expect(Math.abs(lengthened - Date.parse(second.retain_until))).toBeLessThanOrEqual(1_000);
  });

  test("other bytes under a statement's key stay told, while newer statements go on", async () => {
    const bucket = await freshBucket(s3());
    const Key = `audit/test/2026/03/01/${writerName}/heads-20260301T120000.000Z.json`;
    await s3().client.putObject({ Bucket: bucket.place.bucket, Key, Body: "something else" });
    const one = await start(bucket);
    one.archiver.heads(headsAt("2026-03-01T12:00:00.000Z"));
    await until(async () => (await one.metric(`uploads_total{result="foreign"}`)) === 1, { what: "the alarm" });
    one.archiver.heads(headsAt("2026-03-01T12:00:01.000Z"));
    await until(async () => (await one.metric(`uploads_total{result="stored"}`)) === 1, { what: "the newer one" });
    expect(one.archiver.trouble()).toBe(
      `1 cannot be archived: s3://${bucket.place.bucket}/${Key} holds other bytes than the server has to put there`,
    );
    expect(one.log.filter(({ level }) => level === "error")).toHaveLength(1);
  });

  test("a server that does not know the condition is asked first what lies there", async () => {
    const folder = await fillChain(dir.path(), 4);
    const body = "<Error><Code>NotImplemented</Code><Message>if-none-match</Message></Error>";
    const changed = await changedS3(s3().endpoint, {
      answer: ({ headers }) => (headers["if-none-match"] === undefined ? null : { status: 501, body }),
    });
    const bucket = await freshBucket(s3(), { endpoint: changed.endpoint });
    const one = await start(bucket);
    await untilIdle(one);
    const [name = ""] = await receiptsIn(folder);
    await one.archiver.close(1_000);
    await rm(join(folder, `${name}.receipt`));
    await untilIdle(await start(await freshClient(bucket)));
    expect((await keysIn(await freshClient(bucket))).filter((key) => key.endsWith(name))).toHaveLength(1);
    await changed.close();
  });

  test("bytes that change on their way are refused by the server and sent again", async () => {
    await fillChain(dir.path(), 4);
    let changes = 1;
    const changed = await changedS3(s3().endpoint, {
      body: (bytes) => {
        if (!bytes.toString().startsWith('{"detail"') || changes-- <= 0) return bytes;
        return Buffer.concat([Buffer.from("["), bytes.subarray(1)]);
      },
    });
    const one = await start(await freshBucket(s3(), { endpoint: changed.endpoint }));
    await untilIdle(one);
    expect(one.log).toMatchObject([
      { level: "warn", problem: expect.stringMatching(/BadDigest|SHA256/) },
      { level: "info", msg: "the archive of the audit trail is back" },
    ]);
    expect(await one.metric(`uploads_total{result="failed"}`)).toBe(1);
    await changed.close();
  });

  test("the chain goes on without segments that have a receipt, but not without its newest records", async () => {
    const folder = await fillChain(dir.path(), 12);
    await untilIdle(await start(await freshBucket(s3())));
    const segments = await segmentsIn(folder);
    const [newest = "", withRecords = ""] = segments.toReversed();
    expect(await receiptsIn(folder)).toEqual(segments.slice(0, -1));
    const open = () => openWriter(optionsFor(dir.path()));
    for (const name of segments.slice(0, -2)) {
      await Promise.all([name, `${name}.receipt`].map((file) => rm(join(folder, file))));
    }
    await (await open()).close();
    expect(await segmentsIn(folder)).toEqual([withRecords, newest]);
    await rm(join(folder, withRecords));
    await expect(open()).rejects.toThrow("earlier segments are missing");
  });

  test("each statement of heads is put beside the segments, as it is and locked", async () => {
    const bucket = await freshBucket(s3(), { prefix: "" });
    const one = await start(bucket);
    const lines = ["2026-03-01T12:00:00.000Z", "2026-03-02T00:00:01.250Z"].map((at) => headsAt(at));
    for (const [n, line] of lines.entries()) {
      one.archiver.heads(line);
      await until(async () => (await one.metric(`uploads_total{result="stored"}`)) === n + 1, { what: "a statement" });
    }
    const keys = [
      `2026/03/01/${writerName}/heads-20260301T120000.000Z.json`,
      `2026/03/02/${writerName}/heads-20260302T000001.250Z.json`,
    ];
    const { Versions = [] } = await bucket.s3.listObjectVersions({ Bucket: bucket.place.bucket, Prefix: "2026/" });
    expect(Versions.map(({ Key }) => Key)).toEqual(keys);
    for (const [n, Key = ""] of keys.entries()) {
      const at = { Bucket: bucket.place.bucket, Key };
      expect(await bucket.s3.headObject(at)).toMatchObject({
        ObjectLockMode: "COMPLIANCE",
        ContentType: "application/json",
      });
      expect(await (await bucket.s3.getObject(at)).Body?.transformToString()).toBe(`${lines[n]}\n`);
    }
  });

  /** An archiver ends its client when it is closed. */
  async function freshClient({ place }: Bucket): Promise<Bucket> {
    const { openBucketClient } = await import("../../src/archive/client.js");
    return openBucketClient(place);
  }
});
