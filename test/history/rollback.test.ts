import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { askRollback, standingIn } from "../../src/history/ask.js";
import { lines, type Place, place, program, type Running, start } from "./fixture.js";

let here: Place;
let running: Running[] = [];
let server: Running;
/** Versions of the policies with this number. */
let v: string[];

beforeEach(async () => {
  here = await place();
  v = await Promise.all([0, 1, 2, 3].map(() => ""));
  for (const replicas of [1, 2, 3]) v[replicas] = await here.versionOf(replicas);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
  await here.stop();
});

async function begin(options: Parameters<typeof start>[1] = {}): Promise<Running> {
  const one = await start(here, options);
  running.push(one);
  return one;
}

async function restart(options: Parameters<typeof start>[1] = {}): Promise<Running> {
  await server.stop();
  running = running.filter((one) => one !== server);
  return begin(options);
}

/** Version 1 was in force, version 2 is. */
async function beginWithTwo(options: Parameters<typeof start>[1] = {}): Promise<void> {
  server = await begin(options);
  await here.policy(2);
  await server.look();
  expect(server.current()).toBe(v[2]);
}

const asked = join("var", "policies", "rollback.json");
const fileOf = (version = ""): string => join(here.dir, `${version.replace("sha256:", "")}.tar.gz`);
const events = async (one = server) =>
  (await one.records()).map(({ event, policy_version, by, detail }) => [
    event,
    v.indexOf(String(policy_version)),
    ...(by ? [by, detail] : []),
  ]);

test("the version that was gone back to is in force at once, on record, in the log, the metrics and the history", async () => {
  await beginWithTwo();
  const answer = await server.versions.rollBack(v[1] ?? "", "ada", "blocks deployments");
  const rolledBack = { from: v[2], to: v[1], at: expect.any(String), by: "ada", reason: "blocks deployments" };
  expect(answer).toEqual({ current: v[1], rolled_back: rolledBack });
  expect(server.versions.inForce()).toEqual(answer);
  expect(server.current()).toBe(v[1]);
  expect(server.workspace.current().policies.documentOf("a").document.files[0]?.actions[0]).toMatchObject({
    name: "deploy",
  });
  expect((await server.records()).at(-1)).toMatchObject({
    event: "rolled_back",
    policy_version: v[1],
    previous_version: v[2],
    files: ["a.yaml"],
    by: "ada",
    detail: "blocks deployments",
  });
  expect((await lines(here)).at(-1)).toMatchObject({ event: "rolled_back", version: v[1], by: "ada", previous: v[2] });
  expect(server.log.at(-1)).toMatchObject({ msg: "policies rolled back", by: "ada", policy_version: v[1] });
  const text = await server.metrics.text();
  expect(text).toContain('countersign_loads_total{part="policies",result="rolled_back"} 1');
  expect(text).toContain(`countersign_policy_info{version="${v[1]}"} 1`);
});

test("it holds while the files say the same, and is not told again and again", async () => {
  await beginWithTwo();
  await server.versions.rollBack(v[1] ?? "", "ada", null);
  const set = server.workspace.current().policies;
  for (let i = 0; i < 3; i++) await server.look();
  await here.write("policies/a.yaml", `# a comment\n${await readFile(here.path("policies/a.yaml"), "utf8")}`);
  await server.look();
  expect(server.workspace.current().policies).toBe(set);
  expect(await events()).toEqual([
    ["loaded", 1],
    ["loaded", 2],
    ["rolled_back", 1, "ada", null],
  ]);
  expect(server.workspace.trouble()).toEqual({});
});

test("it ends when the files say something else, and stays ended when they say again what they said", async () => {
  await beginWithTwo();
  await server.versions.rollBack(v[1] ?? "", "ada", null);
  await here.policy(3);
  await server.look();
  expect(server.versions.inForce()).toEqual({ current: v[3], rolled_back: null });
  expect(server.log.at(-1)).toMatchObject({ msg: "new files end the roll-back", rolled_back: v[1] });
  expect(await readdir(here.dir)).not.toContain("rollback.json");
  await here.policy(2);
  await server.look();
  expect(server.versions.inForce()).toEqual({ current: v[2], rolled_back: null });
  expect((await events()).slice(2)).toEqual([
    ["rolled_back", 1, "ada", null],
    ["loaded", 3],
    ["loaded", 2],
  ]);
  expect(server.log.filter(({ msg }) => msg === "new files end the roll-back")).toHaveLength(1);
});

test("files with mistakes do not end it, and are told", async () => {
  await beginWithTwo();
  await server.versions.rollBack(v[1] ?? "", "ada", null);
  await here.write("policies/a.yaml", "agent: a\n");
  await server.look();
  await server.look();
  expect(server.current()).toBe(v[1]);
  expect(server.workspace.trouble().policies).toMatch(/^a\.yaml:1:1: /);
  expect((await events()).slice(3)).toEqual([["refused", -1]]);
  await here.policy(2);
  await server.look();
  expect([server.current(), server.workspace.trouble()]).toEqual([v[1], {}]);
  await here.policy(3);
  await server.look();
  expect(server.current()).toBe(v[3]);
});

test("going back works while the files have mistakes, which are still told", async () => {
  await beginWithTwo();
  await here.write("policies/a.yaml", "agent: a\n");
  await server.look();
  const { rolled_back: rolledBack } = await server.versions.rollBack(v[1] ?? "", "ada", null);
  expect(rolledBack).toMatchObject({ from: v[2], to: v[1] });
  await server.look();
  expect(server.workspace.trouble().policies).toMatch(/^a\.yaml:1:1: /);
  await here.policy(2);
  await server.look();
  expect([server.current(), server.workspace.trouble()]).toEqual([v[1], {}]);
});

test("it holds across restarts, also when the files have got mistakes since", async () => {
  await beginWithTwo();
  await server.versions.rollBack(v[1] ?? "", "ada", "why");
  server = await restart();
  expect(server.versions.inForce()).toMatchObject({ current: v[1], rolled_back: { from: v[2], to: v[1], by: "ada" } });
  expect((await events()).at(-1)).toEqual(["rolled_back", 1, "ada", "why"]);
  await here.write("policies/a.yaml", "agent: a\n");
  server = await restart();
  expect(server.current()).toBe(v[1]);
  await server.look();
  expect(server.workspace.trouble().policies).toMatch(/^a\.yaml:1:1: /);
  await here.policy(3);
  await server.look();
  expect([server.current(), server.workspace.trouble()]).toEqual([v[3], {}]);
  server = await restart();
  expect(server.versions.inForce()).toEqual({ current: v[3], rolled_back: null });
});

test("files that changed while no server ran end it", async () => {
  await beginWithTwo();
  await server.versions.rollBack(v[1] ?? "", "ada", null);
  await server.stop();
  running = [];
  await here.policy(3);
  server = await begin();
  expect(server.versions.inForce()).toEqual({ current: v[3], rolled_back: null });
  expect(await readdir(here.dir)).not.toContain("rollback.json");
});

test("released, what the files say takes effect, and who said so is on record", async () => {
  await beginWithTwo();
  await server.versions.rollBack(v[1] ?? "", "ada", null);
  expect(await server.versions.release("bob", "mended")).toEqual({ current: v[2], rolled_back: null });
  await server.look();
  expect((await events()).at(-1)).toEqual(["released", 2, "bob", "mended"]);
  expect((await lines(here)).at(-1)).toMatchObject({ event: "released", version: v[2], by: "bob", previous: v[1] });
  await expect(server.versions.release("bob", null)).rejects.toMatchObject({ code: "not_rolled_back" });
  server = await restart();
  expect(server.current()).toBe(v[2]);
  expect((await events()).at(-1)).toEqual(["loaded", 2]);
});

test("it is not released to files with mistakes", async () => {
  await beginWithTwo();
  await server.versions.rollBack(v[1] ?? "", "ada", null);
  await here.write("policies/a.yaml", "agent: a\n");
  await expect(server.versions.release("bob", null)).rejects.toThrow(
    /^what the policy files say is asked for and not in force: a\.yaml:1:1: /,
  );
  expect(server.current()).toBe(v[1]);
  await here.policy(3);
  await server.look();
  expect(server.current()).toBe(v[3]);
  expect((await events()).at(-1)).toEqual(["released", 3, "bob", null]);
});

test("from one roll-back to another, and back to what the files say", async () => {
  await beginWithTwo();
  await here.policy(3);
  await server.look();
  await server.versions.rollBack(v[2] ?? "", "ada", null);
  expect((await server.versions.rollBack(v[1] ?? "", "ada", null)).rolled_back).toMatchObject({ from: v[3], to: v[1] });
  expect((await server.versions.rollBack(v[3] ?? "", "ada", null)).rolled_back).toMatchObject({ from: v[3], to: v[3] });
  expect((await events()).slice(3).map(([event, version]) => [event, version])).toEqual([
    ["rolled_back", 2],
    ["rolled_back", 1],
    ["rolled_back", 3],
  ]);
});

test.each<[string, () => string, string, string]>([
  ["what is in force", () => v[2] ?? "", "already_in_force", "is in force already"],
  ["what was never there", () => v[3] ?? "", "unknown_version", "is kept"],
  ["what is no version", () => "latest", "malformed_version", "8 hex digits are enough"],
])("going back to %s is refused", async (_what, version, code, words) => {
  await beginWithTwo();
  const asking = server.versions.rollBack(version(), "ada", null);
  await expect(asking).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  expect(await readdir(here.dir)).not.toContain("rollback.json");
  expect(server.current()).toBe(v[2]);
});

test("a bundle that is not what its name says is not gone back to, now or at a start", async () => {
  await beginWithTwo();
  const good = await readFile(fileOf(v[1]));
  await writeFile(fileOf(v[1]), await readFile(fileOf(v[2])));
  await expect(server.versions.rollBack(v[1] ?? "", "ada", null)).rejects.toMatchObject({ code: "unusable_version" });
  expect(server.current()).toBe(v[2]);
  await writeFile(fileOf(v[1]), good);
  await server.versions.rollBack(v[1] ?? "", "ada", null);
  await server.stop();
  running = [];
  await rm(fileOf(v[1]));
  await expect(start(here)).rejects.toThrow(`no version ${v[1]} is kept`);
});

test("a roll-back that cannot take effect leaves what is in force, is told, and is no obstacle to new files", async () => {
  await beginWithTwo();
  const { versions, look, workspace } = server;
  await here.write(asked, "{");
  await look();
  expect(workspace.trouble().policies).toContain("rollback.json cannot be read");
  const by = { at: new Date().toISOString(), by: "cli:ada", reason: null };
  await askRollback(here.dir, v[1] ?? "", { current: v[2] ?? "", files: v[2] ?? "" }, by, program);
  await rm(fileOf(v[1]));
  await look();
  await look();
  expect(server.current()).toBe(v[2]);
  expect(workspace.trouble().policies).toBe(`no version ${v[1]} is kept`);
  await here.policy(3);
  await look();
  expect(versions.inForce()).toEqual({ current: v[3], rolled_back: null });
  expect(workspace.trouble()).toEqual({});
});

test("a roll-back that cannot be recorded does not happen before it can", async () => {
  await beginWithTwo();
  server.disk.fail("append", "EIO", { times: 9 });
  await expect(server.versions.rollBack(v[1] ?? "", "ada", null)).rejects.toMatchObject({ code: "not_in_force_yet" });
  expect(server.current()).toBe(v[2]);
  server.disk.heal();
  await server.look();
  expect(server.current()).toBe(v[1]);
  expect((await events()).at(-1)).toEqual(["rolled_back", 1, "ada", null]);
});

test("under another version of the program nobody can tell whether the files changed, so somebody has to say", async () => {
  await beginWithTwo();
  await server.versions.rollBack(v[1] ?? "", "ada", null);
  await server.stop();
  running = [];
  const other = { ...program, sha256: "0".repeat(64) };
  await expect(start(here, { program: other })).rejects.toThrow(
    "end that with `countersign policy rollback --release`",
  );
});

test("servers that share the folder go back together, and each ends it by its own files", async () => {
  await beginWithTwo();
  await here.write("slow/a.yaml", await readFile(here.path("policies/a.yaml"), "utf8"));
  const slow = await begin({ worker: 2, policies: here.path("slow") });
  await server.versions.rollBack(v[1] ?? "", "ada", null);
  await slow.look();
  expect(slow.current()).toBe(v[1]);
  await here.policy(3);
  await server.look();
  await slow.look();
  expect([server.current(), slow.current()]).toEqual([v[3], v[1]]);
  await here.write("slow/a.yaml", await readFile(here.path("policies/a.yaml"), "utf8"));
  await slow.look();
  expect([slow.versions.inForce(), slow.workspace.trouble()]).toEqual([{ current: v[3], rolled_back: null }, {}]);
  expect((await lines(here)).map(({ version }) => v.indexOf(String(version)))).toEqual([1, 2, 2, 1, 1, 3, 3]);
});

test("without a server, the folder tells what is so", async () => {
  await expect(standingIn(here.dir, null)).rejects.toMatchObject({ code: "policies_unknown" });
  await beginWithTwo();
  expect(await standingIn(here.dir, null)).toEqual({ current: v[2], files: v[2] });
  expect(await standingIn(here.dir, v[3] ?? null)).toEqual({ current: v[3], files: v[3] });
  await server.versions.rollBack(v[1] ?? "", "ada", null);
  await server.history.written();
  expect(await standingIn(here.dir, v[2] ?? null)).toEqual({ current: v[1], files: v[2] });
  expect(await standingIn(here.dir, null)).toEqual({ current: v[1], files: v[2] });
  expect(await standingIn(here.dir, v[3] ?? null)).toEqual({ current: v[3], files: v[3] });
});
