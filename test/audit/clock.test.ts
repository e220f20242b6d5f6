import { openFiles } from "../../src/audit/file_source.js";
import { readHeads } from "../../src/audit/heads.js";
import { verifyAudit } from "../../src/audit/verify.js";
import { type AuditWriter, openWriter, type WriterOptions } from "../../src/audit/writer.js";
import { until } from "../harness/until.js";
import { ed25519, optionsFor, policyDraft, scratch } from "./samples.js";

const dir = scratch();
const writers: AuditWriter[] = [];
afterEach(() => Promise.allSettled(writers.splice(0).map((writer) => writer.close())));

const open = async (more: Partial<WriterOptions>): Promise<AuditWriter> => {
  const writer = await openWriter(optionsFor(dir.path(), more));
  writers.push(writer);
  return writer;
};

const minute = 60_000;
const start = Date.parse("2026-05-01T00:00:00Z");

test("a clock that is set back, also across a restart, leaves statements in order: each is kept and told of in the bucket", async () => {
  let now = start;
  const lines: string[] = [];
  const more = { now: () => now, headsEveryMs: 10, onHeads: (line: string) => void lines.push(line) };
  const first = await open(more);
  for (const [i, back] of [0, 10 * minute].entries()) {
    now -= back;
    await first.append(policyDraft(String(i)));
    await until(() => lines.length === i + 1, { what: "the statement" });
  }
  await first.close();
  now -= 60 * minute;
  const second = await open(more);
  await second.append(policyDraft("after"));
  await second.close();
  expect(lines).toHaveLength(3);

  const timestamps = lines.map((line) => readHeads(Buffer.from(line), [ed25519]).timestamp);
  expect(new Set(timestamps).size).toBe(3);
  expect(timestamps.toSorted()).toEqual(timestamps);
  async function* heads() {
    for (const [i, line] of lines.entries()) yield { place: `kept ${i}`, line: Buffer.from(line) };
  }
  const kept = { heads, problems: () => [] };
  expect((await verifyAudit(await openFiles([dir.path()]), [ed25519], { heads: kept })).problems).toEqual([]);
});

test("a clock that is set back does not keep a segment open for longer than it may be", async () => {
  let now = start;
  const finished: string[] = [];
  const writer = await open({
    now: () => now,
    maxSegmentAgeMs: minute,
    onFinished: (path) => void finished.push(path),
  });
  await writer.append(policyDraft("a"));
  now -= 365 * 24 * 60 * minute;
  await writer.append(policyDraft("b"));
  now += minute;
  await writer.append(policyDraft("c"));
  expect(finished).toHaveLength(1);
});

test("nor does a clock that was ahead when the segment was begun, and right after a restart", async () => {
  const first = await open({ now: () => start, maxSegmentAgeMs: minute });
  await first.append({ ...policyDraft("a"), timestamp: "2036-01-01T00:00:00Z" });
  await first.append(policyDraft("b"));
  let now = start;
  const finished: string[] = [];
  // As after kill -9: the segment was not ended.
  const { cp } = await import("node:fs/promises");
  const copy = `${dir.path()}/copy`;
  await cp(first.folder, `${copy}/${first.writer}`, { recursive: true });
  const second = await openWriter({
    ...optionsFor(copy, { now: () => now, maxSegmentAgeMs: minute, onFinished: (path) => void finished.push(path) }),
  });
  writers.push(second);
  await second.append(policyDraft("c"));
  now += minute;
  await second.append(policyDraft("d"));
  expect(finished).toHaveLength(1);
});
