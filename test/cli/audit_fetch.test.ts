import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { linkTo } from "../../src/audit/chain.js";
import { finishedSegments } from "../../src/audit/segments.js";
import { archiving, fillChain, findS3, freshBucket, headsAt, keysIn, oneS3, receiptsIn } from "../archive/fixture.js";
import { ed25519, scratch } from "../audit/samples.js";
import { describeWith } from "../harness/parts.js";
import { until } from "../harness/until.js";
import { countersign } from "./run.js";

const part = await findS3();

describeWith(part, "countersign audit fetch", (use) => {
  const s3 = oneS3(use);
  const dir = scratch();

  /** A chain in the archive, and where. */
  async function archived() {
    const folder = await fillChain(join(dir.path(), "audit"), 12);
    const writer = folder.split("/").at(-1) ?? "";
    const bucket = await freshBucket(s3());
    const one = archiving(bucket, join(dir.path(), "audit"));
    await one.archiver.start();
    const first = (await readFile((await finishedSegments(folder))[0] ?? "", "utf8")).split("\n", 1)[0] ?? "";
    const stated = ["2026-03-01T12:00:00.000Z", "2026-03-01T12:01:00.000Z"].map((at) =>
      headsAt(at, writer, linkTo(first)),
    );
    for (const [n, line] of stated.entries()) {
      one.archiver.heads(line);
      await until(async () => (await keysIn(bucket)).filter((key) => key.includes("heads-")).length > n, {
        what: "heads",
      });
    }
    await until(async () => (await receiptsIn(folder)).length === (await finishedSegments(folder)).length, {
      what: "all",
    });
    await one.archiver.close(10_000);
    const copy = join(dir.path(), "copy");
    return { folder, writer, url: `s3://${bucket.place.bucket}/audit/test`, bucket: bucket.place.bucket, copy, stated };
  }

  const fetch = (url: string, copy: string, ...more: string[]) =>
    countersign(["audit", "fetch", url, copy, "--endpoint", s3().endpoint, ...more], { env: { ...s3().env } });

  test("makes an audit directory that verifies; the second time there is nothing to do", async () => {
    const { folder, writer, url, copy, stated } = await archived();
    const segments = (await finishedSegments(folder)).map((path) => path.split("/").at(-1) ?? "");
    const first = await fetch(url, copy);
    expect(first).toMatchObject({
      code: 0,
      stdout: `${segments.length} segments and 2 statements of heads in ${copy}, 0 of them were there already\n`,
    });
    expect(await readdir(copy)).toEqual([writer, `${writer}.heads`]);
    expect((await readdir(join(copy, writer))).sort()).toEqual([
      ...segments,
      "heads-20260301T120000.000Z.json",
      "heads-20260301T120100.000Z.json",
    ]);
    for (const name of segments) {
      expect(await readFile(join(copy, writer, name))).toEqual(await readFile(join(folder, name)));
    }
    expect(await readFile(join(copy, `${writer}.heads`), "utf8")).toBe(`${stated[1]}\n`);
    await writeFile(join(dir.path(), "key.jwk"), JSON.stringify(ed25519.publicJwk()), { mode: 0o600 });
    const verified = await countersign(["audit", "verify", copy, "--key", join(dir.path(), "key.jwk")]);
    expect(verified).toMatchObject({ code: 0, stderr: "" });
    expect(verified.stdout).toContain("every statement of heads holds\nevery signature and every link holds");

    const again = await fetch(url, copy, "--json");
    expect(JSON.parse(again.stdout)).toEqual({
      segments: segments.length,
      heads: 2,
      there: segments.length + 2,
      problems: [],
    });
  });

  test("overwrites no other bytes, neither a segment nor heads", async () => {
    const { folder, writer, url, copy } = await archived();
    await fetch(url, copy);
    const segment = join(copy, writer, (await finishedSegments(folder))[1]?.split("/").at(-1) ?? "");
    const content = await readFile(segment, "utf8");
    await writeFile(segment, content.replace("record", "RECORD"));
    const { code, stderr } = await fetch(url, copy);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^countersign: \S+\.jsonl holds other bytes than s3:\/\//m);
    expect(await readFile(segment, "utf8")).toContain("RECORD");
    await writeFile(segment, content);
    await writeFile(join(copy, `${writer}.heads`), "something\n");
    expect(await fetch(url, copy)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${writer}.heads is no statement that is in the archive`),
    });
  });

  test("tells what was done to the bucket, and exits with 1", async () => {
    const { folder, writer, url, bucket, copy } = await archived();
    const [name = ""] = await receiptsIn(folder);
    const Key = `audit/test/2026/01/02/${writer}/${name}`;
    await s3().client.deleteObject({ Bucket: bucket, Key });
    const { code, stdout } = await fetch(url, copy);
    expect([code, stdout.split("\n")[0]]).toEqual([
      1,
      `s3://${bucket}/${Key}: was hidden by a delete marker; the version before it counts`,
    ]);
    expect(await readFile(join(copy, writer, name))).toEqual(await readFile(join(folder, name)));
    expect((await fetch(url, copy, "--retention-days", "31")).stdout).toMatch(/is locked until 20\S+ only$/m);
  });

  test("fetches the days that are asked for", async () => {
    const { url, copy } = await archived();
    const of = async (...options: string[]) => JSON.parse((await fetch(url, copy, "--json", ...options)).stdout);
    // Segments are kept under the day of their first record, so those that began up to seven days before are taken too.
    expect(await of("--from", "2026-02-01T00:00:00Z")).toMatchObject({ segments: 0, heads: 2 });
    expect(await of("--to", "2026-02-01T00:00:00Z")).toMatchObject({ heads: 0 });
    expect((await of("--from", "2026-01-09T00:00:00Z", "--to", "2026-02-01T00:00:00Z")).segments).toBeGreaterThan(2);
  });

  test("a copy without the beginning is checked by its segment files", async () => {
    const { writer, url, copy, folder } = await archived();
    await fetch(url, copy);
    const [first = "", ...later] = (await finishedSegments(folder)).map((path) => path.split("/").at(-1) ?? "");
    await rm(join(copy, writer, first));
    const key = join(dir.path(), "key.jwk");
    await writeFile(key, JSON.stringify(ed25519.publicJwk()), { mode: 0o600 });
    const verify = (...paths: string[]) => countersign(["audit", "verify", ...paths, "--key", key]);
    expect((await verify(copy)).code).toBe(1);
    expect(await verify(...later.map((name) => join(copy, writer, name)))).toMatchObject({ code: 0, stderr: "" });
  });

  test("says what to do about what cannot work", async () => {
    const { url, copy } = await archived();
    expect(await fetch("s3:/audit", copy)).toMatchObject({
      code: 2,
      stderr: "countersign: s3:/audit: write s3://bucket or s3://bucket/prefix\n",
    });
    expect(await fetch(`${url}/none`, copy)).toMatchObject({
      code: 2,
      stderr: "countersign: there are no records there\n",
    });
    expect(await fetch("s3://no-such-bucket", copy)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("NoSuchBucket"),
    });
    expect(await fetch(url, copy, "--retention-days", "x")).toMatchObject({ code: 2 });
    const wrong = await countersign(["audit", "fetch", url, copy, "--endpoint", s3().endpoint], {
      env: { ...s3().env, AWS_SECRET_ACCESS_KEY: "another" },
    });
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("check the credentials of the process") });
  });
});
