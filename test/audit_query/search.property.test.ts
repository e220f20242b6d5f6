import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { RecordDraft } from "../../src/audit/record.js";
import { segmentFor } from "../../src/audit/segments.js";
import type { Filter } from "../../src/audit_query/filter.js";
import { readPage } from "../../src/audit_query/page.js";
import { runsWithin } from "../harness/property.js";
import { decision, lineOf, writeChain, writers } from "./chains.js";

const startMs = Date.parse("2026-03-01T12:00:00Z");
const names = fc.constantFrom("a", 'b"', "ä\u202e", "\\", "");
const draft = fc
  .record({
    agent_id: names,
    tool: fc.oneof(names, fc.constant(null)),
    reason: fc.constantFrom("allowed", "max_replicas"),
    approver: fc.option(names),
    atMs: fc.nat({ max: 20_000_000 }),
    pad: fc.nat({ max: 400 }),
  })
  .map(({ approver, atMs, pad, ...members }): [number, object] => {
    const humans = approver === null ? null : [{ approver, timestamp: "2026-03-01T12:00:00Z", approval_id: "apr_1" }];
    // The members of the input have the names and spellings that searches look for.
    const input = { agent_id: "a", tool: "b", note: "x".repeat(pad) };
    return [atMs, { ...members, human_approval: humans, opa_decision: { policy_version: "v", input, result: {} } }];
  });
/** In the order of their times but for half an hour, as in a chain of calls that took long. */
const chain = fc
  .tuple(fc.array(draft, { maxLength: 30 }), fc.array(fc.nat({ max: 1_800_000 }), { minLength: 30, maxLength: 30 }))
  .map(([drafts, late]) =>
    drafts
      .sort(([a], [b]) => a - b)
      .map(([atMs, members], i): RecordDraft => {
        const timestamp = new Date(startMs + atMs - (late[i] ?? 0)).toISOString();
        return decision({ ...members, timestamp });
      }),
  );
const filter = fc.record(
  {
    agent_id: names,
    tool: names,
    reason: fc.constant("max_replicas"),
    approver: names,
    fromMs: fc.nat({ max: 20_000_000 }).map((ms) => startMs + ms),
    toMs: fc.nat({ max: 20_000_000 }).map((ms) => startMs + ms),
  },
  { requiredKeys: [] },
);

/** What the filter finds, with nothing clever about it. */
function naive(lines: readonly string[], { fromMs = -1, toMs = Infinity, approver, ...members }: Filter): string[] {
  return lines.filter((line) => {
    const record = JSON.parse(line);
    const at = Date.parse(record.timestamp);
    const answered = (record.human_approval ?? []).map((human: { approver: string }) => human.approver);
    return (
      Object.entries(members).every(([name, value]) => record[name] === value) &&
      (approver === undefined || answered.includes(approver)) &&
      at >= fromMs &&
      at < toMs
    );
  });
}

/** The newest end of all chains, again and again; of two that are as new the one of the first chain. */
function merged(chains: readonly string[][]): string[] {
  const left = chains.map((lines) => [...lines]);
  const atOf = (lines: readonly string[]): number => Date.parse(JSON.parse(lines.at(-1) ?? "{}").timestamp) || -1;
  const taken: string[] = [];
  for (let count = left.flat().length; count > 0; count -= 1) {
    const newest = left.reduce((best, lines) => (atOf(lines) > atOf(best) ? lines : best));
    taken.push(String(newest.pop()));
  }
  return taken;
}

test("pages hold what a plain filter finds: all of it, once, each chain in its order, whatever comes meanwhile", async () => {
  const run = fc.record({
    chains: fc.tuple(chain, chain),
    filter,
    limit: fc.integer({ min: 1, max: 7 }),
    perSegment: fc.integer({ min: 1, max: 12 }),
    blockBytes: fc.integer({ min: 1, max: 3_000 }),
    scanBytes: fc.integer({ min: 1, max: 30_000 }),
    pageBytes: fc.integer({ min: 1, max: 9_000 }),
  });
  await fc.assert(
    fc.asyncProperty(
      run,
      runsWithin(15_000, async ({ chains, filter, perSegment, ...options }) => {
        const dir = await mkdtemp(join(tmpdir(), "search-"));
        try {
          const written: string[][] = [];
          for (const [i, drafts] of chains.entries()) {
            written.push(await writeChain(dir, String(writers[i]), drafts, perSegment));
          }
          const found: string[] = [];
          let cursor: string | null = null;
          do {
            const page = await readPage([dir], filter, { ...options, cursor });
            found.push(...page.found.map(({ line }) => line.toString()));
            expect(page.found.length).toBeLessThanOrEqual(options.limit);
            expect(page.unreadable).toEqual([]);
            cursor = page.next;
            await appendNew(dir, Number(written[0]?.length), perSegment);
          } while (cursor !== null);
          for (const lines of written) {
            const here = found.filter((line) => lines.includes(line));
            expect(here).toEqual(naive(lines, filter).reverse());
          }
          expect(found).toEqual(merged(written.map((lines) => naive(lines, filter))));
        } finally {
          await rm(dir, { recursive: true, force: true });
        }
      }),
    ),
    { numRuns: 400 },
  );
});

/** What a server does meanwhile: a record more in the newest segment, which all filters would find. */
async function appendNew(dir: string, records: number, perSegment: number): Promise<void> {
  const first = records === 0 ? 1 : Math.floor((records - 1) / perSegment) * perSegment + 1;
  const line = lineOf(decision({ agent_id: "new", timestamp: "2026-03-01T13:00:00Z" }), records + 1, writers[0]);
  await appendFile(join(dir, writers[0], segmentFor(first)), `${line}\n`);
}
