import { appendFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type AuditSink, AuditUnavailable, type RecordDraft } from "../../src/audit/record.js";
import { type AuditReport, verifyFiles } from "../../src/audit/verify.js";
import { openWriter, type WriterOptions } from "../../src/audit/writer.js";
import { FaultyDisk } from "./faulty_disk.js";
import {
  contentsOf,
  decisionDraft,
  ed25519,
  folderIn,
  keys,
  optionsFor,
  policyDraft,
  scratch,
  segment,
} from "./samples.js";

const dir = scratch();
const sinks: AuditSink[] = [];
afterEach(() => Promise.allSettled(sinks.splice(0).map((sink) => sink.close())));

async function open(more: Partial<WriterOptions> = {}): Promise<AuditSink> {
  const sink = await openWriter(optionsFor(dir.path(), more));
  sinks.push(sink);
  return sink;
}

async function verified(): Promise<AuditReport> {
  return verifyFiles([dir.path()], [ed25519]);
}

/** Details of the policy records on disk, in their order. */
async function details(): Promise<string[]> {
  const files = Object.values(await contentsOf(await folderIn(dir.path())));
  return files.flatMap((text) => [...text.matchAll(/"detail":"([^"]*)"/g)].map((match) => String(match[1])));
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error("did not happen within a minute");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test.each(keys)("records signed with %s verify while the writer lives and after it", async (_, key) => {
  const sink = await open({ key });
  await sink.append(policyDraft("a"));
  await sink.append(decisionDraft({ agent: { id: "deploy-manager" } }));
  expect((await verifyFiles([dir.path()], [key])).problems).toEqual([]);
  await sink.close();
  const { writers, problems } = await verifyFiles([dir.path()], [key]);
  expect(problems).toEqual([]);
  expect(writers).toMatchObject([{ records: 2, firstSeq: 1, lastSeq: 2 }]);
  expect(writers[0]?.writer).toMatch(/^w1-[0-9A-Z]{26}$/);
});

test("a thousand records at once make one chain, in the order they came, in few writes", async () => {
  const disk = new FaultyDisk();
  const sink = await open({ openSegment: disk.open, maxSegmentBytes: 100_000 });
  const wanted = Array.from({ length: 1_000 }, (_, index) => String(index));
  await Promise.all(wanted.map((detail) => sink.append(policyDraft(detail))));
  const { writers, problems } = await verified();
  expect(problems).toEqual([]);
  expect(writers).toMatchObject([{ records: 1_000, firstSeq: 1, lastSeq: 1_000 }]);
  expect(writers[0]?.files.length).toBeGreaterThan(2);
  expect(await details()).toEqual(wanted);
  expect(disk.appends.length).toBeLessThan(10);
});

test("a restart goes on with the same writer, in the segment that the close left for it", async () => {
  for (const detail of ["a", "b", "c"]) {
    const sink = await open();
    await sink.append(policyDraft(detail));
    await sink.close();
  }
  const { writers, problems } = await verified();
  expect(problems).toEqual([]);
  expect(writers).toMatchObject([{ records: 3, lastSeq: 3 }]);
  expect(writers[0]?.files.map((file) => basename(file))).toEqual([1, 2, 3, 4].map(segment));
});

test("each worker has a chain of its own in one directory", async () => {
  const [first, second] = [await open({ worker: 1 }), await open({ worker: 2 })];
  await Promise.all([first.append(policyDraft("a")), second.append(policyDraft("b")), first.append(policyDraft("c"))]);
  const { writers, problems } = await verified();
  expect(problems).toEqual([]);
  expect(writers.map(({ writer, records }) => [writer.slice(0, 3), records])).toEqual([
    ["w1-", 2],
    ["w2-", 1],
  ]);
});

test("nobody else in the machine may read or write the records", async () => {
  const sink = await open();
  await sink.append(policyDraft("a"));
  const folder = await folderIn(dir.path());
  const modes = [folder, join(folder, String((await readdir(folder))[0]))].map(async (path) => (await stat(path)).mode);
  for (const mode of await Promise.all(modes)) expect(mode & 0o027).toBe(0);
});

test("fsync reaches the disk before the answer", async () => {
  const disk = new FaultyDisk();
  const sink = await open({ durability: "fsync", openSegment: disk.open });
  await sink.append(policyDraft("a"));
  expect(disk.syncs).toBe(1);
  disk.fail("sync", "EIO");
  await expect(sink.append(policyDraft("b"))).rejects.toThrow(AuditUnavailable);
  await sink.append(policyDraft("c"));
  expect(await details()).toEqual(["a", "c"]);
  expect((await verified()).problems).toEqual([]);
});

describe("a disk that fails", () => {
  test.each<[string, (disk: FaultyDisk) => void]>([
    ["is full at once", (disk) => disk.fail("append", "ENOSPC")],
    ["is full after some bytes", (disk) => disk.fail("append", "ENOSPC", { bytes: 100 })],
    ["is full after a whole line and some bytes", (disk) => disk.fail("append", "ENOSPC", { bytes: 700 })],
    ["breaks after all bytes but the last", (disk) => disk.fail("append", "EIO", { bytes: 412 })],
    ["lost the file", (disk) => disk.fail("confirm", "ENOENT")],
  ])("%s: the batch is refused and the chain goes on", async (_, fail) => {
    const disk = new FaultyDisk();
    const sink = await open({ openSegment: disk.open });
    await sink.append(policyDraft("a"));
    fail(disk);
    const batch = await Promise.allSettled(["b", "c"].map((detail) => sink.append(policyDraft(detail))));
    expect(batch[0]).toMatchObject({ status: "rejected", reason: { name: "AuditUnavailable" } });
    await sink.append(policyDraft("d"));
    expect(sink.trouble()).toBeNull();
    const { writers, problems } = await verified();
    expect(problems).toEqual([]);
    expect(writers[0]?.records).toBe((await details()).length);
    const kept = ["a", ...(batch[1]?.status === "fulfilled" ? ["c"] : []), "d"];
    expect(await details()).toEqual(kept);
  });

  test("refuses every record of a batch, and none of another", async () => {
    const disk = new FaultyDisk();
    const sink = await open({ openSegment: disk.open });
    await sink.append(policyDraft("a"));
    disk.fail("append", "ENOSPC", { times: 3, bytes: 700 });
    const refused = await Promise.allSettled(["b", "c", "d"].map((detail) => sink.append(policyDraft(detail))));
    expect(refused.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(sink.trouble()).toContain("ENOSPC");
    disk.heal();
    await sink.append(policyDraft("e"));
    expect(await details()).toEqual(["a", "e"]);
    expect((await verified()).problems).toEqual([]);
  });

  test("and cannot be cut back stays unavailable until it can", async () => {
    const disk = new FaultyDisk();
    const sink = await open({ openSegment: disk.open, probeIntervalMs: 60_000 });
    await sink.append(policyDraft("a"));
    disk.fail("append", "EIO", { bytes: 60 });
    disk.fail("truncate", "EIO", { times: 3 });
    for (const detail of ["b", "c", "d"]) {
      await expect(sink.append(policyDraft(detail))).rejects.toThrow(AuditUnavailable);
      expect(sink.trouble()).toContain("EIO");
    }
    await sink.append(policyDraft("e"));
    expect(await details()).toEqual(["a", "e"]);
    expect((await verified()).problems).toEqual([]);
  });

  test("leaves no half line behind for those who verify meanwhile", async () => {
    const disk = new FaultyDisk();
    const sink = await open({ openSegment: disk.open, probeIntervalMs: 60_000 });
    await sink.append(policyDraft("a"));
    disk.fail("append", "ENOSPC", { bytes: 60 });
    await expect(sink.append(policyDraft("b"))).rejects.toThrow(AuditUnavailable);
    expect(await verified()).toMatchObject({ writers: [{ records: 1 }], problems: [] });
  });

  test("at the change of segments does not go back to the old one", async () => {
    const disk = new FaultyDisk();
    const sink = await open({ openSegment: disk.open, maxSegmentBytes: 1_200 });
    await sink.append(policyDraft("a"));
    disk.fail("confirm", "EIO");
    await expect(sink.append(policyDraft("b".repeat(600)))).rejects.toThrow(AuditUnavailable);
    await sink.append(policyDraft("c"));
    await sink.close();
    const again = await open();
    await again.append(policyDraft("d"));
    expect(await details()).toEqual(["a", "c", "d"]);
    expect((await verified()).problems).toEqual([]);
  });

  test("at the change of segments leaves no hole", async () => {
    const disk = new FaultyDisk();
    const sink = await open({ openSegment: disk.open, maxSegmentBytes: 500 });
    await sink.append(policyDraft("a"));
    disk.fail("open", "EMFILE");
    await expect(sink.append(policyDraft("b"))).rejects.toThrow(AuditUnavailable);
    disk.fail("confirm", "EIO");
    await expect(sink.append(policyDraft("c"))).rejects.toThrow(AuditUnavailable);
    disk.fail("append", "ENOSPC", { bytes: 10 });
    await expect(sink.append(policyDraft("d"))).rejects.toThrow(AuditUnavailable);
    await sink.append(policyDraft("e"));
    await sink.close();
    const again = await open({ maxSegmentBytes: 500 });
    await again.append(policyDraft("f"));
    expect(await details()).toEqual(["a", "e", "f"]);
    const { writers, problems } = await verified();
    expect(problems).toEqual([]);
    expect(writers[0]?.files).toHaveLength(3);
  });

  test("is seen to be well again without a record", async () => {
    const disk = new FaultyDisk();
    const sink = await open({ openSegment: disk.open, probeIntervalMs: 5 });
    await sink.append(policyDraft("a"));
    disk.fail("append", "ENOSPC", { times: 3 });
    await expect(sink.append(policyDraft("b"))).rejects.toThrow(AuditUnavailable);
    expect(sink.trouble()).toContain("ENOSPC");
    await until(() => sink.trouble() === null);
    expect(await details()).toEqual(["a"]);
    expect((await verified()).problems).toEqual([]);
  });

  test("that takes a few bytes at a time is no failure", async () => {
    const disk = new FaultyDisk();
    disk.sliceBytes = 7;
    const sink = await open({ openSegment: disk.open });
    await Promise.all(["a", "b", "c"].map((detail) => sink.append(policyDraft(detail))));
    expect((await verified()).writers).toMatchObject([{ records: 3 }]);
  });
});

describe("a real loss of the file", () => {
  test("moved away: refused; back again: goes on", async () => {
    const sink = await open({ probeIntervalMs: 60_000 });
    await sink.append(policyDraft("a"));
    const folder = await folderIn(dir.path());
    await rename(folder, `${folder}.away`);
    await expect(sink.append(policyDraft("b"))).rejects.toThrow(AuditUnavailable);
    expect(sink.trouble()).toContain("ENOENT");
    await expect(sink.append(policyDraft("c"))).rejects.toThrow(AuditUnavailable);
    await rename(`${folder}.away`, folder);
    await sink.append(policyDraft("d"));
    expect(sink.trouble()).toBeNull();
    expect(await details()).toEqual(["a", "d"]);
    expect((await verified()).problems).toEqual([]);
  });

  test("deleted: refused from then on", async () => {
    const sink = await open();
    await sink.append(policyDraft("a"));
    await rm(await folderIn(dir.path()), { recursive: true });
    await expect(sink.append(policyDraft("b"))).rejects.toThrow(AuditUnavailable);
    await expect(sink.append(policyDraft("c"))).rejects.toThrow(AuditUnavailable);
  });

  test("written to by somebody else: refused, and what they wrote is kept", async () => {
    const sink = await open();
    await sink.append(policyDraft("a"));
    const folder = await folderIn(dir.path());
    const [name = ""] = await readdir(folder);
    await appendFile(join(folder, name), "theirs\n");
    await expect(sink.append(policyDraft("b"))).rejects.toThrow(AuditUnavailable);
    await expect(sink.append(policyDraft("c"))).rejects.toThrow(AuditUnavailable);
    expect((await contentsOf(folder))[name]).toContain("theirs\n");
  });

  test("emptied by somebody else: refused, and never filled up with zeros", async () => {
    const sink = await open();
    await sink.append(policyDraft("a"));
    const folder = await folderIn(dir.path());
    const [name = ""] = await readdir(folder);
    await writeFile(join(folder, name), "");
    await expect(sink.append(policyDraft("b"))).rejects.toThrow(AuditUnavailable);
    await expect(sink.append(policyDraft("c"))).rejects.toThrow(AuditUnavailable);
    expect(sink.trouble()).toContain("changed by somebody else");
    expect((await contentsOf(folder))[name]).not.toContain("\0");
  });
});

describe("a record that cannot be written as it is", () => {
  test("does not keep back its neighbours", async () => {
    const sink = await open();
    const broken = { ...policyDraft("b"), detail: "\ud800" };
    const results = await Promise.allSettled(
      [policyDraft("x"), policyDraft("a"), broken, policyDraft("c")].map((draft) => sink.append(draft)),
    );
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
    expect(results[2]).toMatchObject({ reason: { name: "AuditUnavailable" } });
    expect(sink.trouble()).toBeNull();
    expect(await details()).toEqual(["x", "a", "c"]);
    expect((await verified()).problems).toEqual([]);
  });

  test("cannot choose its own place in the chain", async () => {
    const sink = await open();
    await sink.append({ ...policyDraft("a"), seq: 99, prev: "x", writer: "w9", signature: null } as RecordDraft);
    expect((await verified()).problems).toEqual([]);
  });
});

test("more records than may wait are refused", async () => {
  const sink = await open({ maxPending: 3 });
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) => sink.append(policyDraft(String(index)))),
  );
  const refused = results.filter(({ status }) => status === "rejected");
  expect(refused.length).toBeGreaterThanOrEqual(6);
  expect(refused[0]).toMatchObject({
    reason: { name: "AuditUnavailable", message: "too many records wait for the disk" },
  });
  await sink.append(policyDraft("later"));
  expect((await verified()).problems).toEqual([]);
});

test("closing waits for what was handed over and refuses the rest", async () => {
  const sink = await open();
  const before = ["a", "b"].map((detail) => sink.append(policyDraft(detail)));
  const closing = sink.close();
  await expect(sink.append(policyDraft("c"))).rejects.toThrow("closed");
  await closing;
  await Promise.all(before);
  expect(await details()).toEqual(["a", "b"]);
  expect((await readdir(dir.path())).filter((name) => name.includes("lock"))).toEqual([]);
});
