import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openBucketClient } from "../../src/archive/client.js";
import { segmentsIn } from "../../src/audit/segments.js";
import { scratch } from "../audit/samples.js";
import { describeWith } from "../harness/parts.js";
import { until } from "../harness/until.js";
import {
  type Archiving,
  archiving,
  fillChain,
  findS3,
  freshBucket,
  headsAt,
  keysIn,
  oneS3,
  receiptsIn,
} from "./fixture.js";

const part = await findS3();

describeWith(part, "while object storage is away", (use) => {
  const s3 = oneS3(use);
  const dir = scratch();

  const untilKept = (folder: string) =>
    until(
      async () => {
        const finished = (await segmentsIn(folder)).slice(0, -1);
        return (await receiptsIn(folder)).length === finished.length && finished;
      },
      { what: "a receipt for every segment", timeoutMs: 60_000 },
    );
  const away = ({ archiver }: Archiving) =>
    until(() => archiver.trouble() !== null, { what: "the archive to be away", timeoutMs: 60_000 });

  test.each<[string, () => unknown, () => unknown]>([
    ["killed", () => s3().kill(), () => s3().restart()],
    ["paused", () => s3().pause(), () => s3().resume()],
  ])(
    "%s: segments wait on disk, one line says so and one that it is back, and all of them arrive",
    async (_, fail, heal) => {
      const folder = await fillChain(dir.path(), 4);
      const bucket = await freshBucket(s3());
      // The server gives a connection without a byte up after a longer time than a test may take.
      const one = archiving(bucket, dir.path(), { uploadMs: 500 });
      await one.archiver.start();
      const before = await untilKept(folder);
      await fail();
      try {
        await fillChain(dir.path(), 20);
        one.archiver.heads(headsAt("2026-03-01T12:00:00.000Z"));
        one.archiver.heads(headsAt("2026-03-01T12:00:01.000Z"));
        await away(one);
        one.archiver.heads(headsAt("2026-03-01T12:00:02.000Z"));
        const failed = await until(async () => (await one.metric(`uploads_total{result="failed"}`)) >= 3, {
          what: "three tries",
          timeoutMs: 60_000,
        });
        expect(failed).toBe(true);
        const waiting = (await segmentsIn(folder)).length - 1 - before.length;
        await until(async () => (await one.metric("waiting_segments")) === waiting, { what: "the number that waits" });
        expect(waiting).toBeGreaterThan(2);
        expect(await one.metric("up")).toBe(0);
        expect(await one.metric("waiting_bytes")).toBeGreaterThan(1_000);
        expect(await one.metric("oldest_waiting_seconds")).toBeGreaterThan(0);
        expect(one.archiver.trouble()).toMatch(new RegExp(`^${waiting} segments waiting, last error at 20\\S+Z: `));
      } finally {
        await heal();
      }
      await untilKept(folder);
      await until(async () => (await one.metric("up")) === 1 && one.archiver.trouble() === null, {
        what: "it to be back",
      });
      expect(one.log.map(({ level, msg }) => [level, msg])).toEqual([
        ["warn", "the archive of the audit trail is away: what it has to take waits on disk"],
        ["info", "the archive of the audit trail is back"],
      ]);
      const keys = await keysIn(bucket);
      expect(keys.filter((key) => key.endsWith(".jsonl"))).toHaveLength((await segmentsIn(folder)).length - 1);
      // The one whose try was under way may have arrived all the same, as may what the chain's own writer stated before it was
      // taken away; of those that waited only the newest is kept.
      const ours = keys.filter((key) => key.includes("heads-20260301"));
      expect(ours.at(-1)).toMatch(/heads-20260301T120002\.000Z\.json$/);
      expect(keys.some((key) => key.includes("120000.000Z") && key.includes("120001.000Z"))).toBe(false);
      expect(await one.metric("waiting_segments")).toBe(0);
      expect(await one.metric("oldest_waiting_seconds")).toBe(0);
      await one.archiver.close(1_000);
    },
  );

  test("away at the start, nothing is put before the probe has passed, and then everything", async () => {
    const folder = await fillChain(dir.path(), 8);
    const bucket = await freshBucket(s3());
    await s3().kill();
    const one = archiving(bucket, dir.path());
    await one.archiver.start();
    expect(one.archiver.trouble()).toContain("segments waiting");
    expect(await one.metric("up")).toBe(0);
    await s3().restart();
    await untilKept(folder);
    const { Versions = [] } = await s3().client.listObjectVersions({ Bucket: bucket.place.bucket });
    const probe = Versions.find(({ Key }) => Key?.includes("/probe/"));
    const first = Math.min(
      ...Versions.filter((version) => version !== probe).map(({ LastModified }) => Number(LastModified)),
    );
    expect(Number(probe?.LastModified)).toBeLessThanOrEqual(first);
    await one.archiver.close(1_000);
  });

  test("a bucket without lock that shows up later is told, and gets nothing", async () => {
    await fillChain(dir.path(), 8);
    const bucket = await freshBucket(s3(), { lock: false });
    await s3().kill();
    const one = archiving(bucket, dir.path());
    await one.archiver.start();
    await s3().restart();
    await until(() => one.archiver.trouble()?.includes("has no Object Lock"), { what: "the probe to refuse" });
    expect(one.log.filter(({ level }) => level === "error")).toMatchObject([{ msg: "nothing is archived" }]);
    expect(await keysIn(bucket)).toEqual([]);
    await one.archiver.close(1_000);
  });

  test("a stop uploads what is there, heads of the last moment included", async () => {
    const bucket = await freshBucket(s3());
    const one = archiving(bucket, dir.path(), { lookMs: 3_600_000 });
    await one.archiver.start();
    const folder = await fillChain(dir.path(), 8);
    const writer = folder.split("/").at(-1) ?? "";
    await writeFile(join(dir.path(), `${writer}.heads`), `${headsAt("2026-03-01T12:00:00.000Z", writer)}\n`);
    await one.archiver.close(60_000);
    expect(await receiptsIn(folder)).toEqual((await segmentsIn(folder)).slice(0, -1));
    const keys = await keysIn(await openBucketClient(bucket.place));
    expect(keys).toContain(`audit/test/2026/03/01/${writer}/heads-20260301T120000.000Z.json`);
    expect(one.log).toEqual([]);
  });

  test("a stop does not wait longer than it may; the next start uploads what is left", async () => {
    const bucket = await freshBucket(s3());
    const one = archiving(bucket, dir.path(), { lookMs: 3_600_000 });
    await one.archiver.start();
    const folder = await fillChain(dir.path(), 8);
    s3().pause();
    const started = performance.now();
    await one.archiver.close(700);
    const ms = performance.now() - started;
    s3().resume();
    // A connection that is given up without the grace takes the client 5 s and more.
    expect(ms).toBeLessThan(4_000);
    expect(one.log.at(-1)).toMatchObject({ msg: "segments are left for the archive at the next start" });
    const next = archiving(await openBucketClient(bucket.place), dir.path());
    await next.archiver.start();
    await untilKept(folder);
    await next.archiver.close(1_000);
  });
});
