import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { linkTo } from "../../src/audit/chain.js";
import { type HeadsStatement, readHeads, sealHeads } from "../../src/audit/heads.js";
import { AuditUnavailable } from "../../src/audit/record.js";
import { verifyFiles } from "../../src/audit/verify.js";
import { type AuditWriter, openWriter, type WriterOptions } from "../../src/audit/writer.js";
import { until } from "../harness/until.js";
import { FaultyDisk } from "./faulty_disk.js";
import {
  chainOf,
  ed25519,
  hmac,
  optionsFor,
  policyDraft,
  put,
  scratch,
  segment,
  stranger,
  writerName,
} from "./samples.js";

const dir = scratch();
const writers: AuditWriter[] = [];
afterEach(() => Promise.allSettled(writers.splice(0).map((writer) => writer.close())));

async function open(more: Partial<WriterOptions> = {}) {
  const [lines, warnings] = [[] as string[], [] as string[]];
  const told = {
    onHeads: (line: string) => void lines.push(line),
    onWarning: (text: string) => void warnings.push(text),
  };
  const writer = await openWriter(optionsFor(dir.path(), { ...told, ...more }));
  writers.push(writer);
  return Object.assign(writer, { lines, warnings });
}

const fileOf = (writer: string) => join(dir.path(), `${writer}.heads`);
const stated = async (writer: string, keys = [ed25519]): Promise<HeadsStatement> =>
  readHeads((await readFile(fileOf(writer))).subarray(0, -1), keys);
const written = async (count: number, more: Partial<WriterOptions> = {}) => {
  const writer = await open(more);
  for (let n = 1; n <= count; n++) await writer.append(policyDraft(`${n}`));
  await writer.close();
  return writer;
};
const refusal = async (more: Partial<WriterOptions> = {}): Promise<string> => {
  const error = await openWriter(optionsFor(dir.path(), more)).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(AuditUnavailable);
  return (error as Error).message;
};

test("heads are stated from time to time, and only when something has changed", async () => {
  const writer = await open({ headsEveryMs: 10, now: () => Date.parse("2026-05-01T00:00:00Z") });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await readdir(dir.path())).not.toContain(basename(fileOf(writer.writer)));
  await writer.append(policyDraft("a"));
  await until(() => writer.lines.length === 1, { what: "the statement" });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(writer.lines).toHaveLength(1);
  const {
    writers: [report],
  } = await verifyFiles([writer.folder], [ed25519]);
  expect(await stated(writer.writer)).toMatchObject({
    kind: "heads",
    timestamp: "2026-05-01T00:00:00.000Z",
    writer: writer.writer,
    heads: [{ writer: writer.writer, seq: 1, link: report?.head }],
  });
  expect(await readFile(fileOf(writer.writer), "utf8")).toBe(`${writer.lines[0]}\n`);
  await writer.append(policyDraft("b"));
  await until(() => writer.lines.length === 2, { what: "the next statement" });
  expect(writer.heads().heads).toMatchObject([{ seq: 2 }]);
});

test("the last statement is that of the close", async () => {
  const writer = await written(3);
  expect((await stated(writer.writer)).heads).toMatchObject([{ seq: 3 }]);
  expect(writer.lines).toHaveLength(1);
  expect((await readdir(dir.path())).sort()).toEqual([writer.writer, `${writer.writer}.heads`]);
});

test("nothing is stated that a loss of power could take back", async () => {
  const disk = new FaultyDisk();
  const writer = await open({ openSegment: disk.open, headsEveryMs: 20 });
  disk.fail("sync", "EIO", { times: 2 });
  await writer.append(policyDraft("a"));
  await until(() => writer.warnings.length > 0, { what: "the warning" });
  expect(writer.warnings[0]).toContain("EIO");
  await until(() => writer.lines.length === 1, { what: "the statement" });
  expect(writer.trouble()).toBeNull();
});

test("a statement tells of all writers of the directory, also of one that is gone since", async () => {
  const two = await written(2, { worker: 2 });
  const one = await written(1);
  expect((await stated(one.writer)).heads).toMatchObject([
    { writer: one.writer, seq: 1 },
    { writer: two.writer, seq: 2 },
  ]);
  await rm(fileOf(two.writer));
  await rm(two.folder, { recursive: true });
  await written(1);
  expect((await stated(one.writer)).heads).toMatchObject([
    { writer: one.writer, seq: 2 },
    { writer: two.writer, seq: 2 },
  ]);
});

test("a statement of another writer that cannot be trusted is left out, and operators are told once", async () => {
  const forged = writerName.replace("w1", "w2");
  const heads = [{ writer: forged, seq: 9, link: "sha256:0" }];
  const statement = { kind: "heads" as const, timestamp: "2026-01-01T00:00:00Z", writer: forged, heads };
  await writeFile(fileOf(forged), `${sealHeads(statement, stranger)}\n`);
  const writer = await open({ headsEveryMs: 10 });
  await writer.append(policyDraft("a"));
  await until(() => writer.lines.length === 1, { what: "the statement" });
  await writer.append(policyDraft("b"));
  await until(() => writer.lines.length === 2, { what: "the next statement" });
  expect((await stated(writer.writer)).heads).toMatchObject([{ writer: writer.writer }]);
  expect(writer.warnings).toEqual([expect.stringContaining(`${fileOf(forged)} is signed with the key`)]);
});

describe("a start is refused when", () => {
  /** A chain of three records with its statement, and what is left of it. */
  async function left(files: Record<string, string>, statement: Partial<HeadsStatement> = {}): Promise<void> {
    const writer = await written(3);
    await rename(fileOf(writer.writer), fileOf(writerName));
    await rm(writer.folder, { recursive: true });
    const [, , last = ""] = chainOf(3, ed25519);
    const heads = [{ writer: writerName, seq: 3, link: linkTo(last) }];
    const whole = {
      kind: "heads" as const,
      timestamp: "2026-01-01T00:00:00Z",
      writer: writerName,
      heads,
      ...statement,
    };
    await writeFile(fileOf(writerName), `${sealHeads(whole, ed25519)}\n`);
    if (Object.keys(files).length === 0) return;
    await mkdir(join(dir.path(), writerName));
    await put(join(dir.path(), writerName), files);
  }
  const [one, two, three] = chainOf(3, ed25519);

  test("the end of the chain was cut off", async () => {
    await left({ [segment(1)]: `${one}\n${two}\n` });
    const message = await refusal();
    expect(message).toContain(`the chain in ${join(dir.path(), writerName)} ends with record 2`);
    expect(message).toContain(`${fileOf(writerName)} tells of record 3: the newest records are missing`);
    expect(message).toContain("countersign audit fetch");
    expect((await readdir(dir.path())).sort()).toEqual([writerName, `${writerName}.heads`]);
  });

  test("all of its segments are gone", async () => {
    await left({ "notes.txt": "" });
    expect(await refusal()).toContain("ends with record 0");
  });

  test("its folder is gone", async () => {
    await left({});
    const message = await refusal();
    expect(message).toContain(`${fileOf(writerName)} tells of records, and their folder`);
    expect(message).toContain("move the writer's folder and its .heads file away together");
  });

  test("the last record is another one", async () => {
    await left(
      { [segment(1)]: `${one}\n${two}\n${three}\n` },
      { heads: [{ writer: writerName, seq: 3, link: "sha256:0" }] },
    );
    expect(await refusal()).toContain("is not the one that");
  });

  test.each<[string, () => Promise<string>, string]>([
    ["no statement", async () => "{}\n", "signature is not"],
    ["empty", async () => "", "does not end with a newline"],
    [
      "that of another writer",
      async () =>
        `${sealHeads({ kind: "heads", timestamp: "2026-01-01T00:00:00Z", writer: "w9", heads: [] }, ed25519)}\n`,
      "is another writer's",
    ],
    [
      "of an unknown key",
      async () =>
        `${sealHeads({ kind: "heads", timestamp: "2026-01-01T00:00:00Z", writer: writerName, heads: [] }, stranger)}\n`,
      "is signed with the key",
    ],
  ])("its statement is %s", async (_, text, message) => {
    await left({ [segment(1)]: `${one}\n${two}\n${three}\n` });
    await writeFile(fileOf(writerName), await text());
    expect(await refusal()).toContain(`${fileOf(writerName)} ${message}`);
  });

  test("and goes on once what is missing is back", async () => {
    await left({ [segment(1)]: `${one}\n${two}\n` });
    await refusal();
    await put(join(dir.path(), writerName), { [segment(1)]: `${one}\n${two}\n${three}\n` });
    await (await open()).append(policyDraft("after"));
    expect((await verifyFiles([dir.path()], [ed25519])).problems).toEqual([]);
  });

  test("but not when the chain has gone on since the statement, as after a crash", async () => {
    await left(
      { [segment(1)]: `${one}\n${two}\n${three}\n` },
      { heads: [{ writer: writerName, seq: 2, link: "sha256:0" }] },
    );
    await (await open()).append(policyDraft("after"));
  });
});

describe("a new key", () => {
  test("goes on with the chain when the one before is accepted, and says so first", async () => {
    await written(2, { key: hmac });
    const writer = await open({ key: ed25519, acceptedKeys: [hmac], now: () => Date.parse("2026-05-01T00:00:00Z") });
    await writer.append(policyDraft("after"));
    await writer.close();
    const [, , third, fourth] = (
      await Promise.all(
        (await readdir(writer.folder)).sort().map((name) => readFile(join(writer.folder, name), "utf8")),
      )
    )
      .join("")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    expect(third).toMatchObject({
      kind: "admin",
      act: "audit_key_changed",
      by: "operator",
      agent_id: null,
      timestamp: "2026-05-01T00:00:00.000Z",
      detail: { from: hmac.kid, to: ed25519.kid },
      signature: { alg: "EdDSA", kid: ed25519.kid },
    });
    expect(fourth).toMatchObject({ detail: "after" });
    expect((await verifyFiles([dir.path()], [ed25519, hmac])).problems).toEqual([]);
    expect((await stated(writer.writer)).heads).toMatchObject([{ seq: 4 }]);

    const again = await open({ key: ed25519 });
    expect(again.heads().heads).toMatchObject([{ seq: 4 }]);
  });

  test("is refused without the one before, with the way to mend it", async () => {
    await written(1, { key: hmac });
    const message = await refusal({ key: ed25519 });
    expect(message).toContain("which was not given");
    expect(message).toContain("audit.accepted_keys");
  });

  test("is not used while the record of the change cannot be written", async () => {
    await written(1, { key: hmac });
    const disk = new FaultyDisk();
    disk.fail("append", "ENOSPC", { times: 2 });
    await expect(
      openWriter(optionsFor(dir.path(), { key: ed25519, acceptedKeys: [hmac], openSegment: disk.open })),
    ).rejects.toThrow(AuditUnavailable);
    await (await open({ key: ed25519, acceptedKeys: [hmac] })).close();
    expect((await verifyFiles([dir.path()], [ed25519, hmac])).writers).toMatchObject([{ records: 2 }]);
  });
});

test.each(["a folder", "a pipe", "a loop"])(
  "%s where another writer's statement would be holds up no statement and no close",
  async (what) => {
    const other = fileOf("w9-01J9ZQ3V6C5R8N2K4M7P0T1S6Z");
    if (what === "a folder") await mkdir(other);
    else if (what === "a pipe") execFileSync("mkfifo", [other]);
    else await symlink(other, other);
    const writer = await written(2);
    expect((await stated(writer.writer)).heads).toMatchObject([{ seq: 2 }]);
    expect(writer.warnings[0]).toMatch(/w9-01J9ZQ3V6C5R8N2K4M7P0T1S6Z.heads (is no file|cannot be read)/);
  },
);
