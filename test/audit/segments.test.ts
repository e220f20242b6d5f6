import { readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { finishedSegments } from "../../src/audit/segments.js";
import { verifyAudit } from "../../src/audit/verify.js";
import { type AuditWriter, openWriter, type WriterOptions } from "../../src/audit/writer.js";
import { until } from "../harness/until.js";
import { FaultyDisk } from "./faulty_disk.js";
import { contentsOf, ed25519, optionsFor, policyDraft, scratch, segment } from "./samples.js";

const dir = scratch();
const writers: AuditWriter[] = [];
afterEach(() => Promise.allSettled(writers.splice(0).map((writer) => writer.close())));

const minute = 60_000;
/** Of the timestamp that the records of these tests have. */
const begunMs = Date.parse(policyDraft("").timestamp);

async function open(more: Partial<WriterOptions> = {}): Promise<AuditWriter & { finished: string[] }> {
  const finished: string[] = [];
  const onFinished = (path: string) => void finished.push(path);
  const writer = await openWriter(optionsFor(dir.path(), { onFinished, ...more }));
  writers.push(writer);
  return Object.assign(writer, { finished });
}

const names = async (writer: AuditWriter) => (await readdir(writer.folder)).sort();
const problems = async () => (await verifyAudit([dir.path()], [ed25519])).problems;

test("a segment with records ends when it is old, though no record comes, and the next one waits for the record to come", async () => {
  const writer = await open({ maxSegmentAgeMs: 50 });
  await writer.append(policyDraft("a"));
  await until(() => writer.finished.length > 0, { what: "the end of the segment" });
  expect(await finishedSegments(writer.folder)).toEqual(writer.finished);
  expect(await names(writer)).toEqual([1, 2].map(segment));
  await writer.append(policyDraft("b"));
  expect(writer.trouble()).toBeNull();
  expect(await problems()).toEqual([]);
});

test("an empty segment does not age", async () => {
  const writer = await open({ maxSegmentAgeMs: 20 });
  await writer.append(policyDraft("a"));
  await until(() => writer.finished.length === 1, { what: "the end of the segment" });
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(await names(writer)).toEqual([1, 2].map(segment));
});

test("a record ends a segment that has become too old while the clock stood", async () => {
  let now = begunMs;
  const writer = await open({ maxSegmentAgeMs: minute, now: () => now });
  await writer.append(policyDraft("a"));
  now += minute - 1;
  await writer.append(policyDraft("b"));
  expect(writer.finished).toEqual([]);
  now += 1;
  await writer.append(policyDraft("c"));
  expect(writer.finished).toEqual([join(writer.folder, segment(1))]);
  expect(await names(writer)).toEqual([1, 3].map(segment));
});

test("the age counts on over a crash, from what the first record says and not from what the file system says", async () => {
  // A file that a crash has left: the writer of this process never ended it.
  const disk = new FaultyDisk();
  const first = await open({ openSegment: disk.open, now: () => begunMs, maxSegmentAgeMs: minute });
  await first.append(policyDraft("a"));
  disk.fail("open", "EMFILE");
  await first.close();
  expect(await names(first)).toEqual([segment(1)]);
  await utimes(join(first.folder, segment(1)), new Date(), new Date());

  const young = await open({ now: () => begunMs + minute - 1, maxSegmentAgeMs: minute, openSegment: disk.open });
  await young.append(policyDraft("b"));
  expect(young.finished).toEqual([]);
  disk.fail("open", "EMFILE");
  await young.close();

  const old = await open({ now: () => begunMs + minute, maxSegmentAgeMs: minute });
  await until(() => old.finished.length > 0, { what: "the end of the old segment" });
  expect(await names(old)).toEqual([1, 3].map(segment));
  expect(await problems()).toEqual([]);
});

test("a close ends the segment that has records, and leaves an empty one alone", async () => {
  const writer = await open();
  await writer.append(policyDraft("a"));
  expect(await finishedSegments(writer.folder)).toEqual([]);
  await writer.close();
  expect(await finishedSegments(writer.folder)).toEqual([join(writer.folder, segment(1))]);
  expect(writer.finished).toEqual(await finishedSegments(writer.folder));
  const again = await open();
  await again.close();
  expect(again.finished).toEqual([]);
  expect(await names(again)).toEqual([1, 2].map(segment));
});

test("a segment that cannot be ended when it is old makes the writer unready until it can", async () => {
  const disk = new FaultyDisk();
  const writer = await open({ openSegment: disk.open, maxSegmentAgeMs: 30, probeIntervalMs: 20 });
  await writer.append(policyDraft("a"));
  disk.fail("open", "EMFILE", { times: 3 });
  await until(() => writer.trouble()?.includes("EMFILE"), { what: "the trouble" });
  await until(() => writer.trouble() === null, { what: "the recovery" });
  expect(writer.finished).toEqual([join(writer.folder, segment(1))]);
  await writer.append(policyDraft("b"));
  expect(Object.values(await contentsOf(writer.folder)).join("")).toContain('"detail":"b"');
  expect(await problems()).toEqual([]);
});
