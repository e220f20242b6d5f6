import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openWriter } from "../../src/audit/writer.js";
import { readKeyFile } from "../../src/keys/keys.js";
import { policyDraft } from "../audit/samples.js";
import { call, deploymentId, ending } from "../evidence/stories.js";
import { countersign, init, temporaryFolder } from "./run.js";

/** A fresh directory of `countersign init` with records of one deployment in its configured place. */
async function made() {
  const { folder, undo } = await temporaryFolder();
  folders.push(undo);
  await init(folder);
  const key = await readKeyFile(join(folder, "var/audit.jwk"), "audit");
  const writer = await openWriter({ dir: join(folder, "var/audit"), worker: 1, key, durability: "write" });
  for (const draft of [policyDraft("start"), call(), ending(), policyDraft("end")]) await writer.append(draft);
  await writer.close();
  const segment = join(writer.folder, "0000000000000001.jsonl");
  const run = async (...args: string[]) => {
    const asked = ["audit", "answer", "--deployment", deploymentId, ...args];
    return countersign(asked, { cwd: folder });
  };
  return { heads: join(folder, "var/audit", `${writer.writer}.heads`), segment, name: writer.writer, run };
}
const folders: (() => Promise<void>)[] = [];
afterAll(() => Promise.all(folders.map((undo) => undo())));

const statuses = (stdout: string) =>
  (JSON.parse(stdout) as { answers: { status: string }[] }).answers.map(({ status }) => status);

test("reads the directory and the keys of the configuration", async () => {
  const { run } = await made();
  const { code, stdout, stderr } = await run();
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^Every signature and every link of the records holds\.\nDeployment release-42, /);
  expect(stdout).toContain("1. What was deployed? [yes]");
  expect(await run("--audit", "var/audit")).toMatchObject({ code: 2, stderr: expect.stringContaining("give --key") });
  const both = await run("--key", "var/audit.jwk", "--unverified");
  expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining("give --key, or say --unverified") });
});

test("names a chain whose end nobody stated, and finds the cut with heads that were kept elsewhere", async () => {
  const { heads, segment, name, run } = await made();
  const kept = `${heads}.kept`;
  await writeFile(kept, await readFile(heads));
  await rm(heads);
  const lines = (await readFile(segment, "utf8")).split("\n");
  await writeFile(segment, `${lines.slice(0, 2).join("\n")}\n`);
  await rm(segment.replace("0001.jsonl", "0005.jsonl"));

  const alone = await run();
  expect(alone.code).toBe(0);
  expect(alone.stdout).toContain(`\nNo heads cover ${name}: a cut tail would not show.\n`);
  expect(JSON.parse((await run("--json")).stdout)).toMatchObject({ verified: true, uncovered: [name] });

  const found = await run("--heads", kept, "--json");
  expect([found.code, JSON.parse(found.stdout).verified]).toEqual([1, false]);
  expect(new Set(statuses(found.stdout))).toEqual(new Set(["unknown"]));
});

test("proves nothing where another record does not hold", async () => {
  const { segment, run } = await made();
  const text = await readFile(segment, "utf8");
  await writeFile(segment, text.replace('"end"', '"and"'));
  const { code, stdout } = await run("--json");
  expect([code, JSON.parse(stdout).verified]).toEqual([1, false]);
  expect(new Set(statuses(stdout))).toEqual(new Set(["unknown"]));
  expect((await run()).stdout).toMatch(/^RECORDS DO NOT HOLD: \d+ problems?/);
});

test("proves nothing where a line cannot be read: it may be the one that tells otherwise", async () => {
  const { segment, run } = await made();
  const lines = (await readFile(segment, "utf8")).split("\n");
  await writeFile(segment, lines.with(3, "x".repeat(lines[3]?.length ?? 0)).join("\n"));
  const { stdout } = await run("--unverified", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ complete: false, unreadable: [{ line: 4 }] });
  expect(new Set(statuses(stdout))).toEqual(new Set(["unknown"]));
});
