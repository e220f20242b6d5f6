import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { findRecords, type ReadDecision, readDecisions, UnreadableRecord } from "../../src/audit/read.js";
import { auditSegments } from "../harness/records.js";
import { recorder, refusedBefore, write } from "./decisions.js";
import { decisionDraft, policyDraft, scratch } from "./samples.js";

const dir = scratch();
const ask = await recorder({ "a.yaml": { agent: "deploy-manager", actions: [{ name: "deploy", max_replicas: 5 }] } });

async function all(paths: string[], torn: string[] = []): Promise<ReadDecision[]> {
  const found: ReadDecision[] = [];
  for await (const decision of readDecisions(await findRecords(paths), { torn: (place) => torn.push(place) })) {
    found.push(decision);
  }
  return found;
}

async function segments(count: number): Promise<string[]> {
  await write(dir.path(), await Promise.all(Array.from({ length: count }, () => ask({}))), 1);
  return auditSegments(dir.path());
}

test("decisions are read in order, over all segments, each with its place; other kinds are passed over", async () => {
  const decisions = [await ask({ params: { replicas: 9 } }), refusedBefore("credential_missing"), await ask({})];
  await write(dir.path(), [policyDraft("1"), ...decisions]);
  const [segment] = await auditSegments(dir.path());
  const found = await all([dir.path()]);
  expect(found.map(({ file, line }) => [file, line])).toEqual([
    [segment, 2],
    [segment, 3],
    [segment, 4],
  ]);
  expect(found.map(({ record }) => record)).toMatchObject(JSON.parse(JSON.stringify(decisions)));
});

test("a path is an audit directory, a writer's folder or a file, and no file is read twice", async () => {
  const [first = "", second = ""] = await segments(2);
  expect((await all([dir.path()])).map(({ file }) => file)).toEqual([first, second]);
  expect(await all([dirname(first)])).toHaveLength(2);
  expect(await all([second])).toHaveLength(1);
  expect(await all([dir.path(), first, dirname(first), join(dirname(first), ".", basename(first))])).toHaveLength(2);
});

test("what was read is told in bytes", async () => {
  await segments(3);
  const files = await findRecords([dir.path()]);
  let bytes = 0;
  for await (const _ of readDecisions(files, { done: (more) => (bytes += more) }));
  expect(bytes).toBe(files.reduce((sum, file) => sum + file.bytes, 0));
});

test("an unfinished last line is told in the newest segment, even when it is a whole record", async () => {
  const [first = "", second = ""] = await segments(2);
  for (const tail of ["{", "x", (await readFile(second, "utf8")).trimEnd()]) {
    await writeFile(second, `${await readFile(first, "utf8")}${tail}`);
    const torn: string[] = [];
    expect(await all([dir.path()], torn)).toHaveLength(2);
    expect(torn).toEqual([`${second}:2`]);
  }
});

test("it is an error in an older one, also when only that one is read", async () => {
  const [first = ""] = await segments(2);
  const text = await readFile(first, "utf8");
  await writeFile(first, text.trimEnd());
  for (const paths of [[dir.path()], [first]]) {
    await expect(all(paths)).rejects.toThrow(`${first}:1: does not end with a newline`);
  }
});

test("an archived file in a folder of its own is its newest", async () => {
  const [first = ""] = await segments(2);
  const archive = join(dir.path(), "archive");
  await mkdir(archive);
  await cp(first, join(archive, "records"));
  expect(await all([join(archive, "records")])).toHaveLength(1);
});

const good = JSON.parse(JSON.stringify(decisionDraft({ agent: { id: "a" } })));
const view = { verdict: "allow", reason: "allowed", violations: [], sanitize: [], redeems: false };
const opa = { policy_version: "sha256:0", input: {}, result: { decision: view, enforced: view } };
const changed = (more: object) => JSON.stringify({ ...good, opa_decision: opa, ...more });

describe("a line that is no record is named with its place", () => {
  test.each([
    ["", "is not JSON in UTF-8"],
    ["{", "is not JSON in UTF-8"],
    ["\ufeff{}", "is not JSON in UTF-8"],
    [Buffer.from('{"kind":"\xff"}', "latin1"), "is not JSON in UTF-8"],
    ["null", "is not an audit record"],
    ["[]", "is not an audit record"],
    ["7", "is not an audit record"],
    ["{}", "is not an audit record"],
    ['{"kind":7}', "is not an audit record"],
    ['{"kind":"decision"}', "decision_id is not what a record of a decision has"],
    [changed({ timestamp: "yesterday" }), "timestamp is not what"],
    [changed({ timestamp: "2026-02-30T00:00:00.000Z" }), "timestamp is not what"],
    [changed({ agent_id: 7 }), "agent_id is not what"],
    [changed({ decision: "perhaps" }), "decision is not what"],
    [changed({ enforced: undefined }), "enforced is not what"],
    [changed({ mode: "audit" }), "mode is not what"],
    [changed({ opa_decision: undefined }), "opa_decision is not what"],
    [changed({ opa_decision: { ...opa, input: [] } }), "opa_decision.input is not what"],
    [changed({ opa_decision: { ...opa, result: { decision: view } } }), "opa_decision.result is not what"],
    [
      changed({ opa_decision: { ...opa, result: { decision: view, enforced: { ...view, violations: [null] } } } }),
      "opa_decision.result is not",
    ],
    [`{"kind":"${"x".repeat(1_100_000)}"}`, "is longer than a record can be"],
  ])("%.60s", async (line, message) => {
    const path = join(dir.path(), "records.jsonl");
    await writeFile(path, Buffer.concat([Buffer.from(`${changed({})}\n`), Buffer.from(line), Buffer.from("\n")]));
    const reading = all([path]);
    await expect(reading).rejects.toThrow(UnreadableRecord);
    await expect(reading).rejects.toThrow(`${path}:2: ${message}`);
  });

  test("and a good one is read", async () => {
    const path = join(dir.path(), "records.jsonl");
    await writeFile(path, `${changed({})}\n${changed({ opa_decision: null })}\n`);
    expect(await all([path])).toHaveLength(2);
  });
});
