import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { linkTo } from "../../src/audit/chain.js";
import { sealHeads } from "../../src/audit/heads.js";
import { finishedSegments } from "../../src/audit/segments.js";
import { archiving, fillChain, findS3, freshBucket, keysIn, oneS3, receiptsIn } from "../archive/fixture.js";
import { ed25519, scratch } from "../audit/samples.js";
import { describeWith } from "../harness/parts.js";
import { until } from "../harness/until.js";
import { countersign } from "./run.js";

const part = await findS3();
const hourMs = 3_600_000;

describeWith(part, "countersign audit verify s3://", (use) => {
  const s3 = oneS3(use);
  const dir = scratch();

  /** A chain of twelve records in a bucket, with statements that it came to some end so long ago. */
  async function archived(...stated: { seq: number; agoMs: number }[]) {
    const folder = await fillChain(join(dir.path(), "audit"), 12);
    const writer = basename(folder);
    const links = await linksOf(folder);
    const bucket = await freshBucket(s3());
    const { archiver } = archiving(bucket, join(dir.path(), "audit"));
    await archiver.start();
    for (const [n, { seq, agoMs }] of stated.entries()) {
      const link = links[seq - 1] ?? `sha256:${"0".repeat(64)}`;
      const timestamp = new Date(Date.now() - agoMs).toISOString();
      archiver.heads(sealHeads({ kind: "heads", timestamp, writer, heads: [{ writer, seq, link }] }, ed25519));
      const there = async () => (await keysIn(bucket)).filter((key) => key.includes("heads-")).length > n;
      await until(there, { what: "heads" });
    }
    const uploaded = async () => (await receiptsIn(folder)).length === (await finishedSegments(folder)).length;
    await until(uploaded, { what: "every segment" });
    await archiver.close(10_000);
    await writeFile(join(dir.path(), "key.jwk"), JSON.stringify(ed25519.publicJwk()), { mode: 0o600 });
    return { url: `s3://${bucket.place.bucket}/audit/test`, bucket, writer };
  }

  async function linksOf(folder: string): Promise<string[]> {
    const names = (await readdir(folder)).filter((name) => name.endsWith(".jsonl")).sort();
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
    return texts.join("").split("\n").slice(0, -1).map(linkTo);
  }

  const verify = (url: string, ...more: string[]) =>
    countersign(["audit", "verify", url, "--key", join(dir.path(), "key.jwk"), "--endpoint", s3().endpoint, ...more], {
      env: { ...s3().env },
    });

  test("holds, with everything that was stated", async () => {
    const { url, writer } = await archived({ seq: 12, agoMs: 2 * hourMs });
    expect(await verify(url, "--require-heads")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        new RegExp(
          `^${writer}: 12 records, up to seq 12\n.*every statement of heads holds\nevery signature and every link holds\n$`,
          "s",
        ),
      ),
    });
  });

  test("records of the segment in use may come later, for as long as the reader says", async () => {
    const { url, writer } = await archived({ seq: 12, agoMs: 2 * hourMs }, { seq: 15, agoMs: 1_000 });
    const live = await verify(url);
    expect(live.code).toBe(0);
    expect(live.stdout).toContain("newest head: record 15 at ");
    expect(live.stdout).toContain(", which is not there yet");

    const now = await verify(url, "--pending", "0s");
    expect(now.code).toBe(1);
    expect(now.stdout).toMatch(
      new RegExp(`/${writer}/\\d+\\.jsonl: record 15: the chain ends at record 12, and s3://`),
    );
  });

  test("what was stated long ago must be there", async () => {
    const { url } = await archived({ seq: 15, agoMs: 2 * hourMs });
    expect(await verify(url)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("record 15: the chain ends at record 12"),
    });
    expect((await verify(url, "--pending", "3h")).code).toBe(0);
  });

  test("tells a delete marker, and reads what is below it", async () => {
    const { url, bucket } = await archived({ seq: 12, agoMs: 2 * hourMs });
    const [Key = ""] = (await keysIn(bucket)).filter((key) => key.endsWith(".jsonl"));
    await bucket.s3.deleteObject({ Bucket: bucket.place.bucket, Key });
    const { code, stdout } = await verify(url);
    expect(code).toBe(1);
    expect(stdout).toContain(`${Key}: `);
    expect(stdout).toContain("delete marker");
    expect(stdout).toContain("12 records, up to seq 12");
  });

  test("tells locks that are shorter than they should be", async () => {
    const { url } = await archived({ seq: 12, agoMs: 2 * hourMs });
    // What the archive of the fixture promises.
    expect((await verify(url, "--retention-days", "30")).code).toBe(0);
    const { code, stdout } = await verify(url, "--retention-days", "31");
    expect(code).toBe(1);
    expect(stdout).toMatch(/\.jsonl: is locked until 20\S+ only$/m);
    expect(stdout).toMatch(/heads-\S+\.json: is locked until 20\S+ only$/m);
  });

  test("says what cannot be read, and how a bucket is written", async () => {
    await archived();
    expect(await verify("s3://no-such-bucket-here")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("NoSuchBucket"),
    });
    expect(await verify("s3://")).toMatchObject({ code: 2, stderr: expect.stringContaining("write s3://bucket") });
    expect(await verify(join(dir.path(), "audit"))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--endpoint belongs to s3://bucket/prefix"),
    });
    const key = join(dir.path(), "key.jwk");
    const onDisk = ["audit", "verify", join(dir.path(), "audit"), "--key", key, "--retention-days", "30"];
    expect(await countersign(onDisk)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--retention-days belongs to s3://bucket/prefix"),
    });
  });
});
