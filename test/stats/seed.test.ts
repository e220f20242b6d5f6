import { appendFile, mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RecordDraft } from "../../src/audit/record.js";
import { openWriter } from "../../src/audit/writer.js";
import { generateKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { planSeed, seed } from "../../src/stats/seed.js";
import { StatsWindow } from "../../src/stats/window.js";
import { auditSegments } from "../harness/records.js";
import { decisionRecord } from "./records.js";

const now = Date.parse("2026-03-01T12:00:40Z");
const maxBytes = 64 * 1024 * 1024;
const key = await signingKeyOf(generateKey("OKP", "audit"));
const at = (minutesAgo: number) => new Date(now - minutesAgo * 60_000).toISOString();
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "countersign-seed-"));
});
afterEach(() => rm(dir, { recursive: true }));

/** Writes records as a server does; files look as old as the clock of the test has it. */
async function write(drafts: readonly RecordDraft[], worker = 1): Promise<void> {
  const writer = await openWriter({ dir, worker, key, durability: "write" });
  for (const draft of drafts) await writer.append(draft);
  await writer.close();
  for (const name of await readdir(dir, { recursive: true })) await utimes(join(dir, name), now / 1000, now / 1000);
}

async function seeded(bytes = maxBytes) {
  const window = new StatsWindow(() => now);
  const plan = await planSeed(dir, { now, maxBytes: bytes });
  const result = await seed(plan, window, () => now);
  return { ...result, cut: plan.cut, calls: window.see(15, 96).agents.reduce((sum, one) => sum + one.calls, 0) };
}

test("decisions on disk are counted, of all chains, and say since when", async () => {
  const policy = {
    event: "loaded",
    policy_version: "v",
    previous_version: null,
    files: [] as string[],
    detail: null,
  } as const;
  await write([{ kind: "policy", timestamp: at(700), ...policy }, decisionRecord({ timestamp: at(600) })]);
  const aggregated = { count: 41, from: at(11), to: at(10), calls: [], others: 0 };
  await write([decisionRecord({ timestamp: at(10), aggregated })], 2);
  const sinceMs = Date.parse(at(600));
  expect(await seeded()).toEqual({ decisions: 2, unreadable: 0, sinceMs, cut: false, calls: 42 });
});

test("nothing on disk is nothing to count", async () => {
  expect(await seeded()).toEqual({ decisions: 0, unreadable: 0, sinceMs: null, cut: false, calls: 0 });
});

test("what is older than a day is not counted", async () => {
  await write([decisionRecord({ timestamp: at(1_500) }), decisionRecord({ timestamp: at(1) })]);
  expect(await seeded()).toMatchObject({ calls: 1, sinceMs: now - 86_400_000 });
});

test("what is appended after the plan is not counted twice", async () => {
  await write([decisionRecord({ timestamp: at(2) })]);
  const window = new StatsWindow(() => now);
  const plan = await planSeed(dir, { now, maxBytes });
  await write([decisionRecord({ timestamp: at(1) })]);
  expect(await seed(plan, window, () => now)).toMatchObject({ decisions: 1, unreadable: 0 });
});

test("of many records the newest are read, and it says since when", async () => {
  await write(Array.from({ length: 200 }, (_, i) => decisionRecord({ timestamp: at(200 - i) })));
  const [file = ""] = await auditSegments(dir);
  const { size } = await stat(file);
  const found = await seeded(Math.floor(size / 2));
  expect(found.cut).toBe(true);
  expect(found.calls).toBeGreaterThan(90);
  expect(found.calls).toBeLessThan(101);
  expect(found.sinceMs).toBe(Date.parse(at(found.calls)));
  expect(found.unreadable).toBe(0);
});

describe("records that cannot be read", () => {
  test.each<[string, string]>([
    ["no JSON", "{nothing\n"],
    ["no object", "7\n"],
    ["no kind", "{}\n"],
    ["a decision that is none", '{"kind":"decision"}\n'],
    ["a count that is none", `${JSON.stringify({ ...decisionRecord(), aggregated: { count: -5 } })}\n`],
    ["a latency that is none", `${JSON.stringify({ ...decisionRecord(), latency_us: "1" })}\n`],
    ["a line that was not finished", '{"kind":"dec'],
  ])("%s: the others are counted", async (_, line) => {
    await write([decisionRecord({ timestamp: at(3) })]);
    const [file = ""] = await auditSegments(dir);
    await appendFile(file, line);
    expect(await seeded()).toMatchObject({ decisions: 1, unreadable: 1, calls: 1 });
  });

  test("a file that is gone, or shorter than it was", async () => {
    await write([decisionRecord({ timestamp: at(3) })]);
    await writeFile(join(dir, "more.jsonl"), `${JSON.stringify(decisionRecord({ timestamp: at(1) }))}\n`.repeat(3));
    await utimes(join(dir, "more.jsonl"), now / 1000, now / 1000);
    const plan = await planSeed(dir, { now, maxBytes });
    await truncate(join(dir, "more.jsonl"), 5);
    expect(await seed(plan, new StatsWindow(() => now), () => now)).toMatchObject({ decisions: 1, unreadable: 1 });
    await rm(join(dir, "more.jsonl"));
    expect(await seed(plan, new StatsWindow(() => now), () => now)).toMatchObject({ decisions: 1, unreadable: 1 });
  });
});
