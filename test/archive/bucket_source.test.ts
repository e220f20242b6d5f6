import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openBucket } from "../../src/archive/bucket_source.js";
import type { Bucket } from "../../src/archive/client.js";
import { linkTo, readLine } from "../../src/audit/chain.js";
import { maxLineBytes } from "../../src/audit/fit.js";
import { readHeads } from "../../src/audit/heads.js";
import type { RecordSource } from "../../src/audit/source.js";
import { ed25519, scratch } from "../audit/samples.js";
import { describeWith } from "../harness/parts.js";
import { until } from "../harness/until.js";
import { changedS3 } from "./changed_s3.js";
import { archiving, dayMs, fillChain, findS3, freshBucket, headsAt, keysIn, oneS3, receiptsIn } from "./fixture.js";

const part = await findS3();

/** Reads everything, and holds each chain against its signatures and links. */
async function readAll(source: RecordSource) {
  const chains = [];
  for (const { writer, segments } of await source.chains()) {
    const expected: { seq: number; prev: string | null } = { seq: 1, prev: null };
    for (const { lines } of segments) {
      for await (const { bytes, terminated } of lines(maxLineBytes)) {
        const { seq, prev } = readLine(bytes, [ed25519]);
        expect({ seq, prev, terminated }).toEqual({ ...expected, terminated: true });
        expected.seq += 1;
        expected.prev = linkTo(bytes);
      }
    }
    chains.push({ writer, records: expected.seq - 1, segments: segments.map(({ name }) => name) });
  }
  const heads = [];
  for await (const { line } of source.heads()) heads.push(readHeads(line, [ed25519]).timestamp);
  return {
    chains,
    heads,
    problems: source.problems().map(({ place, message }) => `${place.split("/").slice(5).join("/")}: ${message}`),
  };
}

describeWith(part, "a bucket as a source of records", (use) => {
  const s3 = oneS3(use);
  const dir = scratch();
  let bucket: Bucket;
  let folder: string;
  let writer: string;
  let names: string[];

  /** Twelve records and two statements of heads, archived by the server's own code. */
  beforeEach(async () => {
    folder = await fillChain(dir.path(), 12);
    writer = folder.split("/").at(-1) ?? "";
    bucket = await freshBucket(s3());
    const one = archiving(bucket, dir.path());
    await one.archiver.start();
    for (const [n, at] of ["2026-03-01T12:00:00.000Z", "2026-03-01T12:01:00.000Z"].entries()) {
      one.archiver.heads(headsAt(at, writer));
      await until(async () => (await keysIn(bucket)).filter((key) => key.includes("heads-")).length > n, {
        what: "heads",
      });
    }
    names = await until(
      async () => {
        const found = await receiptsIn(folder);
        return found.length > 3 && (await one.metric("waiting_segments")) === 0 && found;
      },
      { what: "all segments" },
    );
    await one.archiver.close(10_000);
  });

  const owner = () => s3().client;
  const open = (more: object = {}) =>
    openBucket(`s3://${bucket.place.bucket}/audit/test`, { endpoint: s3().endpoint, ...more });
  const keyOf = (name = "") => ({ Bucket: bucket.place.bucket, Key: `audit/test/2026/01/02/${writer}/${name}` });
  const whole = () => ({
    chains: [{ writer, records: 12, segments: names }],
    heads: ["2026-03-01T12:00:00.000Z", "2026-03-01T12:01:00.000Z"],
  });

  test("gives every record and every statement, in order, and has nothing to complain about", async () => {
    expect(await readAll(await open({ retentionDays: 30 }))).toEqual({ ...whole(), problems: [] });
    const [chain] = await (await open()).chains();
    expect(chain).toMatchObject({ whole: true });
    expect(chain?.segments[0]?.place).toBe(`s3://${bucket.place.bucket}/${keyOf(names[0]).Key}`);
    expect(
      await readAll(await openBucket(`s3://${bucket.place.bucket}/audit/none`, { endpoint: s3().endpoint })),
    ).toEqual({
      chains: [],
      heads: [],
      problems: [],
    });
  });

  test("reads what is behind delete markers and under what was written over it, and tells of both", async () => {
    await owner().deleteObject(keyOf(names[0]));
    const Body = (await readFile(join(folder, names[1] ?? ""), "utf8")).replace("record", "RECORD");
    await owner().putObject({ ...keyOf(names[1]), Body });
    await owner().putObject({ ...keyOf(names[1]), Body: "again" });
    const heads = {
      Bucket: bucket.place.bucket,
      Key: `audit/test/2026/03/01/${writer}/heads-20260301T120000.000Z.json`,
    };
    await owner().putObject({ ...heads, Body: `${headsAt("2026-03-01T12:00:00.000Z", writer)}\n ` });
    expect(await readAll(await open())).toEqual({
      ...whole(),
      problems: [
        `2026/01/02/${writer}/${names[0]}: was hidden by a delete marker; the version before it counts`,
        `2026/01/02/${writer}/${names[1]}: was overwritten: 2 later version(s) hold other bytes; the oldest counts`,
        `2026/03/01/${writer}/heads-20260301T120000.000Z.json: was overwritten: 1 later version(s) hold other bytes; the oldest counts`,
      ],
    });
  });

  test("a later version of the same bytes is nothing to complain about", async () => {
    const Body = await readFile(join(folder, names[0] ?? ""));
    const ChecksumSHA256 = createHash("sha256").update(Body).digest("base64");
    await owner().putObject({ ...keyOf(names[0]), Body, ChecksumSHA256 });
    expect(await readAll(await open())).toEqual({ ...whole(), problems: [] });
  });

  test("tells of objects without lock or checksum, of names that are not the archive's, and of a segment in two places", async () => {
    const Body = await readFile(join(folder, names[0] ?? ""));
    const at = { Bucket: bucket.place.bucket };
    const later = `2026/01/03/${writer}`;
    await owner().putObject({ ...at, Key: `audit/test/${later}/${names[0]}`, Body });
    await owner().putObject({ ...at, Key: `audit/test/${later}/notes.txt`, Body: "x" });
    await owner().putObject({
      ...at,
      Key: `audit/test/2026/03/01/${writer}/heads-20260301T130000.000Z.json`,
      Body: headsAt("2026-03-01T13:00:00.000Z", writer),
      ChecksumAlgorithm: "CRC32",
    });
    const { heads, chains, problems } = await readAll(await open());
    expect(chains).toEqual(whole().chains);
    expect(heads).toHaveLength(3);
    expect(problems.toSorted()).toEqual([
      `${later}/${names[0]}: is the same segment as s3://${bucket.place.bucket}/${keyOf(names[0]).Key}, which was stored first and counts`,
      `${later}/notes.txt: has no name that the archive gives`,
      `2026/03/01/${writer}/heads-20260301T130000.000Z.json: has no COMPLIANCE lock`,
      `2026/03/01/${writer}/heads-20260301T130000.000Z.json: has no SHA-256 checksum`,
    ]);
  });

  test("tells of locks that end before they should", async () => {
    const { problems } = await readAll(await open({ retentionDays: 31 }));
    expect(problems).toHaveLength(names.length + 2);
    const [first = ""] = problems;
    const until = Date.parse(/is locked until (\S+) only$/.exec(first)?.[1] ?? "");
    expect(Math.abs(until - Date.now() - 30 * dayMs)).toBeLessThan(600_000);
  });

  test("lists more than a page", async () => {
    const extra = 1_100;
    for (let n = 0; n < extra; n += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          owner().putObject({ ...keyOf(`extra-${String(n + i).padStart(5, "0")}`), Body: "x" }),
        ),
      );
    }
    const { chains, problems } = await readAll(await open());
    expect(chains).toEqual(whole().chains);
    expect(problems).toHaveLength(extra);
  });

  test("a server that lists the same page again and again is told, not waited for", async () => {
    const page =
      "<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>a</NextKeyMarker>" +
      "<NextVersionIdMarker>1</NextVersionIdMarker></ListVersionsResult>";
    const changed = await changedS3(s3().endpoint, {
      answer: ({ url }) => (url.includes("versions") ? { status: 200, body: page } : null),
    });
    const opened = openBucket(`s3://${bucket.place.bucket}/audit/test`, { endpoint: changed.endpoint });
    await expect(opened).rejects.toThrow("lists the same page of the bucket again");
    await changed.close();
  });

  test("a stream that does not fit its checksum is an error, not a shorter segment", async () => {
    const changed = await changedS3(s3().endpoint, {
      answer: ({ method, url }) =>
        method === "GET" && url.includes(names[0] ?? "?") ? { status: 200, body: "other" } : null,
    });
    const [chain] = await (
      await openBucket(`s3://${bucket.place.bucket}/audit/test`, { endpoint: changed.endpoint })
    ).chains();
    const read = async () => {
      for await (const _ of chain?.segments[0]?.lines(100) ?? []);
    };
    // Without a checksum in the answer there is nothing to hold it against but what the object's head said.
    await expect(read()).rejects.toThrow(/did not arrive as it is stored/);
    await changed.close();
  });
});
