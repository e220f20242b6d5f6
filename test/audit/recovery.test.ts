import { existsSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { linkTo } from "../../src/audit/chain.js";
import { AuditUnavailable } from "../../src/audit/record.js";
import { verifyFiles } from "../../src/audit/verify.js";
import { openWriter } from "../../src/audit/writer.js";
import {
  chainOf,
  contentsOf,
  ed25519,
  hmac,
  noise,
  optionsFor,
  policyDraft,
  put,
  recordsOf,
  scratch,
  segment,
  stranger,
  writerName,
} from "./samples.js";
import { seal } from "./sealed.js";

const dir = scratch();
const [one = "", two = "", three = ""] = chainOf(3, ed25519);

async function folderWith(files: Record<string, string | Uint8Array>): Promise<string> {
  const folder = join(dir.path(), writerName);
  await mkdir(folder);
  await put(folder, files);
  return folder;
}

/** Opens the writer, appends one record and closes it again; the files are then verified as a whole. */
async function goOn(folder: string): Promise<Record<string, string>> {
  const sink = await openWriter(optionsFor(dir.path()));
  await sink.append(policyDraft("after"));
  await sink.close();
  const { problems } = await verifyFiles([dir.path()], [ed25519]);
  expect(problems).toEqual([]);
  return recordsOf(folder);
}

function following(seq: number, before: string): string {
  return seal(policyDraft("after"), {
    seq,
    prev: before === "" ? null : linkTo(before),
    writer: writerName,
    key: ed25519,
  });
}

describe("goes on after", () => {
  test.each<[string, string | Uint8Array]>([
    ["half a line", two.slice(0, 100)],
    ["a line that lacks only its newline", two],
    ["one byte", "{"],
    ["zeros, as a loss of power leaves them", new Uint8Array(5000)],
    ["more than a block of bytes without a newline", noise(200_000)],
  ])("%s, which is kept beside the segment", async (_, torn) => {
    const tail = Buffer.from(torn);
    const folder = await folderWith({ [segment(1)]: Buffer.concat([Buffer.from(`${one}\n`), tail]) });
    expect(await goOn(folder)).toEqual({
      [segment(1)]: `${one}\n${following(2, one)}\n`,
      [`${segment(1)}.torn-1`]: tail.toString(),
    });
  });

  test("a torn first line", async () => {
    const folder = await folderWith({ [segment(1)]: one.slice(0, 50) });
    expect(await goOn(folder)).toEqual({
      [segment(1)]: `${following(1, "")}\n`,
      [`${segment(1)}.torn-1`]: one.slice(0, 50),
    });
  });

  test("a second crash without losing what the first one left", async () => {
    const folder = await folderWith({ [segment(1)]: `${one}\nsecond`, [`${segment(1)}.torn-1`]: "first" });
    expect(await goOn(folder)).toMatchObject({
      [`${segment(1)}.torn-1`]: "first",
      [`${segment(1)}.torn-2`]: "second",
    });
  });

  test("an empty newest segment", async () => {
    const folder = await folderWith({ [segment(1)]: `${one}\n${two}\n`, [segment(3)]: "" });
    expect(await goOn(folder)).toEqual({ [segment(1)]: `${one}\n${two}\n`, [segment(3)]: `${following(3, two)}\n` });
  });

  test("a newest segment whose only line is torn", async () => {
    const folder = await folderWith({ [segment(1)]: `${one}\n${two}\n`, [segment(3)]: three.slice(0, 200) });
    expect(await goOn(folder)).toMatchObject({ [segment(3)]: `${following(3, two)}\n` });
  });

  test("several segments", async () => {
    const folder = await folderWith({ [segment(1)]: `${one}\n`, [segment(2)]: `${two}\n`, [segment(3)]: `${three}\n` });
    expect(await goOn(folder)).toMatchObject({ [segment(3)]: `${three}\n${following(4, three)}\n` });
  });

  test("a line longer than a block", async () => {
    const place = { seq: 1, prev: null, writer: writerName, key: ed25519 };
    const long = seal(policyDraft(noise(300_000)), place);
    const folder = await folderWith({ [segment(1)]: `${long}\n` });
    expect(await goOn(folder)).toEqual({ [segment(1)]: `${long}\n${following(2, long)}\n` });
  });
});

describe("refuses to start when", () => {
  const foreign = seal(policyDraft("1"), { seq: 1, prev: null, writer: writerName, key: stranger });
  const elsewhere = seal(policyDraft("1"), { seq: 1, prev: null, writer: "w1-other", key: ed25519 });
  test.each<[string, Record<string, string>, string]>([
    ["the last line is no JSON", { [segment(1)]: `${one}\n{"seq":2\n` }, "is not JSON"],
    ["the last line is blank", { [segment(1)]: `${one}\n\n` }, "is not JSON"],
    [
      "the last line was changed",
      { [segment(1)]: `${one.replace('"detail":"1"', '"detail":"2"')}\n` },
      "does not verify",
    ],
    ["the last line has another key", { [segment(1)]: `${foreign}\n` }, "which was not given"],
    ["the last line is another writer's", { [segment(1)]: `${elsewhere}\n` }, 'belongs to the writer "w1-other"'],
    ["the last line is older than its file", { [segment(5)]: `${one}\n` }, "is older than the name"],
    ["earlier segments are gone", { [segment(3)]: "" }, "earlier segments are missing"],
    [
      "one before an empty newest is gone",
      { [segment(1)]: `${one}\n`, [segment(3)]: "" },
      "earlier segments are missing",
    ],
  ])("%s, and leaves everything as it is", async (_, files, message) => {
    const folder = await folderWith(files);
    const error = await openWriter(optionsFor(dir.path())).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AuditUnavailable);
    expect(String(error)).toContain(message);
    expect(String(error)).toContain(folder);
    expect(await contentsOf(folder)).toEqual(files);
    expect(await readdir(dir.path())).toEqual([writerName]);
  });

  test("one worker has two chains", async () => {
    for (const last of ["A", "B"]) await mkdir(join(dir.path(), writerName.replace(/.$/, last)));
    await expect(openWriter(optionsFor(dir.path()))).rejects.toThrow("several chains of worker 1");
  });

  test("the directory is a file", async () => {
    const path = join(dir.path(), "audit");
    await writeFile(path, "");
    await expect(openWriter(optionsFor(path))).rejects.toThrow("EEXIST");
  });

  test("the key is of a kind that does not sign records", async () => {
    const key = { ...hmac, alg: "ES256" as const };
    await expect(openWriter(optionsFor(dir.path(), { key }))).rejects.toThrow("Ed25519 or HMAC");
  });
});

describe("a lock", () => {
  const lock = () => join(dir.path(), "w1.lock");
  const lockOf = (more: object): string =>
    JSON.stringify({ token: "t", pid: process.pid, host: hostname(), started: "1", ...more });
  // Where there is no /proc, a process cannot be told from a later one with its id.
  const formerParent: [string, string][] = existsSync("/proc/self/stat")
    ? [["of a former process with the id of another that lives", lockOf({ pid: process.ppid })]]
    : [];

  test("keeps a second writer of this process out until the first closes", async () => {
    const first = await openWriter(optionsFor(dir.path()));
    const error = await openWriter(optionsFor(dir.path())).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AuditUnavailable);
    expect(String(error)).toContain(`in use by this process (${process.pid})`);
    expect(String(error)).toContain(`delete ${lock()}`);
    await first.append(policyDraft("a"));
    await first.close();
    await (await openWriter(optionsFor(dir.path()))).close();
  });

  test.each<[string, string]>([
    ["of a process that is gone", lockOf({ pid: 2 ** 22 + 1 })],
    ["of a former process with our id", lockOf({})],
    ...formerParent,
    ["that was not written to its end", '{"pid":'],
    ["that is empty", ""],
    ["that says something else", "[]"],
  ])("%s is taken over and removed at the end", async (_, content) => {
    await writeFile(lock(), content);
    const sink = await openWriter(optionsFor(dir.path()));
    await sink.append(policyDraft("a"));
    await sink.close();
    expect((await readdir(dir.path())).filter((name) => name.includes("lock"))).toEqual([]);
  });

  test("of another host is respected", async () => {
    await writeFile(lock(), lockOf({ host: "elsewhere.example" }));
    await expect(openWriter(optionsFor(dir.path()))).rejects.toThrow("on host elsewhere.example");
    await rm(lock());
    await (await openWriter(optionsFor(dir.path()))).close();
  });
});
