import { appendFile, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { segmentFor } from "../../src/audit/segments.js";
import { openWriter } from "../../src/audit/writer.js";
import { writeCursor } from "../../src/audit_query/cursor.js";
import { readPage } from "../../src/audit_query/page.js";
import { BadPosition } from "../../src/audit_query/search.js";
import { Busy, ScanTurns } from "../../src/audit_query/turns.js";
import { folderIn, optionsFor, policyDraft, scratch } from "../audit/samples.js";
import { decision, lineOf, writeChain, writers } from "./chains.js";

const dir = scratch();
const page = (more: object = {}, filter: object = {}) =>
  readPage([dir.path()], filter, { limit: 50, cursor: null, ...more });
const file = (first = 1) => join(dir.path(), writers[0], segmentFor(first));
const many = (count: number) => Array.from({ length: count }, (_, i) => decision({ decision_id: `d-${i + 1}` }));

test("names lines that hold no record, whatever is searched for, and goes on", async () => {
  const [first = "", second = "", third = ""] = await writeChain(dir.path(), writers[0], many(3));
  const broken = second.replace('"writer"', '"writes"').slice(0, -9);
  await writeFile(file(), `${first}\n${broken}\n\nnot JSON\n${third}\n`);
  for (const filter of [{}, { decision_id: "d-1" }, { agent_id: "nobody" }]) {
    const { unreadable, found } = await page({}, filter);
    expect(unreadable).toEqual([2, 3, 4].map((line) => ({ writer: writers[0], file: segmentFor(1), line })));
    expect(found.length).toBe("agent_id" in filter ? 0 : "decision_id" in filter ? 1 : 2);
  }
});

test("a last line that is still being written is none yet; in a finished segment it is unreadable", async () => {
  await writeChain(dir.path(), writers[0], many(4), 2);
  await truncate(file(3), (await readFile(file(3))).length - 10);
  expect((await page()).unreadable).toEqual([]);
  await truncate(file(1), (await readFile(file(1))).length - 10);
  expect((await page()).unreadable).toEqual([{ writer: writers[0], file: segmentFor(1), line: 2 }]);
});

test("many unreadable lines end a page early, and none is named twice", async () => {
  await writeChain(dir.path(), writers[0], many(1));
  await appendFile(file(), "garbage\n".repeat(450));
  const lines: number[] = [];
  let cursor: string | null = null;
  do {
    const one = await page({ cursor });
    lines.push(...one.unreadable.map(({ line }) => line));
    cursor = one.next;
  } while (cursor !== null);
  expect(lines.sort((a, b) => a - b)).toEqual(Array.from({ length: 450 }, (_, i) => i + 2));
});

test("lines longer than a record can be do not fill the memory or keep pages from ending", async () => {
  await writeChain(dir.path(), writers[0], many(1));
  await appendFile(file(), `${"x".repeat(3_000_000)}\n`);
  let [cursor, pages]: [string | null, number] = [null, 0];
  const found: string[] = [];
  do {
    const one = await page({ cursor, scanBytes: 1_000 });
    found.push(...one.found.map(({ record }) => record.kind));
    cursor = one.next;
    pages += 1;
  } while (cursor !== null && pages < 10);
  expect([found, cursor]).toEqual([["decision"], null]);
});

test("pages stay what they were while a real writer appends, and hold every record once", async () => {
  const writer = await openWriter(optionsFor(dir.path(), { maxSegmentBytes: 20_000 }));
  for (let i = 0; i < 120; i++) await writer.append(policyDraft(`before ${i}`));
  const found: string[] = [];
  let cursor: string | null = null;
  let more = 0;
  do {
    const one = await page({ cursor, limit: 7, scanBytes: 5_000, blockBytes: 512 });
    found.push(...one.found.map(({ record }) => (record.kind === "policy" ? String(record.detail) : "")));
    cursor = one.next;
    await Promise.all([1, 2, 3].map(() => writer.append(policyDraft(`after ${more++}`))));
  } while (cursor !== null);
  await writer.close();
  expect(found).toEqual(Array.from({ length: 120 }, (_, i) => `before ${119 - i}`));
  expect(await folderIn(dir.path())).toContain("w1-");
});

test("refuses cursors that lead nowhere or belong to another search", async () => {
  await writeChain(dir.path(), writers[0], many(9), 3);
  const { next } = await page({ limit: 2 }, { kind: "decision" });
  const at = (segment: string, offset: number, writer: string = writers[0]) =>
    writeCursor({}, { positions: { [writer]: { segment, offset } }, fromMs: undefined, toMs: undefined });
  const plain = JSON.parse(Buffer.from(at(segmentFor(1), 0), "base64url").toString());
  const made = (positions: string) =>
    Buffer.from(JSON.stringify(plain).replace(JSON.stringify(plain.at), positions)).toString("base64url");
  expect((await page({ cursor: made(`{"${writers[0]}":["${segmentFor(1)}",0]}`) })).found).toEqual([]);
  const cursors = [
    next,
    "x",
    "",
    at("../../../etc/passwd", 0),
    at(segmentFor(1), 5),
    at(segmentFor(1), 1e9),
    at(segmentFor(2), 0),
    at(segmentFor(1), 0, ".."),
    at(segmentFor(1), 0, "constructor"),
    made(`{"${writers[0]}":["${segmentFor(1)}",0],"__proto__":["${segmentFor(1)}",0]}`),
    made('{"__proto__":null}'),
  ];
  for (const cursor of cursors) await expect(page({ cursor })).rejects.toThrow(BadPosition);
});

test("a span that was asked for back from now stays where it was while somebody pages", async () => {
  const at = (minute: number) => decision({ timestamp: `2026-03-01T12:0${minute}:00.000Z` });
  await writeChain(dir.path(), writers[0], [at(1), at(2), at(3)]);
  const first = await page({ limit: 1 }, { fromMs: Date.parse("2026-03-01T12:01:30Z") });
  const later = { fromMs: Date.parse("2026-03-01T12:02:30Z") };
  const second = await page({ limit: 5, cursor: first.next }, later);
  expect([...first.found, ...second.found].map(({ record }) => record.timestamp.slice(14, 16))).toEqual(["03", "02"]);
});

test("a page is bounded in bytes, but for its first record", async () => {
  const lines = await writeChain(dir.path(), writers[0], many(5));
  const two = String(lines[4]).length + String(lines[3]).length;
  expect((await page({ pageBytes: two })).found).toHaveLength(2);
  expect((await page({ pageBytes: 1 })).found).toHaveLength(1);
});

test("few searches run at a time; others wait, and not for ever", async () => {
  const turns = new ScanTurns({ running: 1, waiting: 1, waitMs: 50 });
  let end = (): void => {};
  const long = turns.take(() => new Promise<void>((resolve) => (end = resolve)));
  const waits = turns.take(async () => "late");
  await expect(turns.take(async () => 1)).rejects.toThrow(Busy);
  await expect(waits).rejects.toThrow(Busy);
  end();
  await long;
  expect(await turns.take(async () => 2)).toBe(2);
});

test("a record is found by the person who answered, and by those who approved", async () => {
  const human = (approver: string) => [{ approver, timestamp: "2026-03-01T12:00:00Z", approval_id: "apr_1" }];
  const drafts = [decision({ human_approval: human('al"ice') }), decision({ human_approval: human("bob") })];
  await writeChain(dir.path(), writers[0], drafts);
  await appendFile(
    file(),
    `${lineOf({ ...policyDraft("x"), kind: "approval", approver: 'al"ice' } as never, 3, writers[0])}\n`,
  );
  expect((await page({}, { approver: 'al"ice' })).found.map(({ record }) => record.seq)).toEqual([3, 1]);
});
