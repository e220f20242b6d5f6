import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { until } from "../harness/until.js";
import { countersign, init, serve, temporaryFolder } from "./run.js";

const { folder, undo } = await temporaryFolder();
const at = (...path: string[]) => join(folder, ...path);
const policy = (replicas: number) => `agent: deploy-manager\nactions: [{name: deploy, max_replicas: ${replicas}}]\n`;
const run = (...args: string[]) => countersign(["policy", ...args], { cwd: folder });
const dir = at("var", "policies");
const by = `cli:${userInfo().username}`;

interface Shown {
  current: string | null;
  events: { version: string; event: string; by?: string; previous: string | null }[];
}
const history = async (): Promise<Shown> => JSON.parse((await run("history", "--json")).stdout);
const versionOfFiles = async (): Promise<string> => JSON.parse((await run("lint", "--json")).stdout).policy_version;
/** Serves the files as they are for a moment. */
async function served(): Promise<string> {
  const { server } = await serve(folder);
  await server.stop();
  return /policies (sha256:[0-9a-f]{64})$/m.exec(server.stdout())?.[1] ?? "";
}

let first: string;
let second: string;
beforeAll(async () => {
  await init(folder);
});
afterAll(undo);

test("before there was a server there is no history, and nothing to go back to", async () => {
  expect(await run("history")).toEqual({
    code: 0,
    stdout: "no server has had any policies in force yet\n",
    stderr: "",
  });
  expect(await history()).toEqual({ current: null, events: [] });
  const { code, stderr } = await run("rollback", "9f2c1a77");
  expect([code, stderr]).toEqual([2, "countersign: no version 9f2c1a77 is kept\n"]);
  expect((await run("rollback", "--release")).stderr).toBe("countersign: the policies are not rolled back\n");
  expect(await readdir(at("var"))).not.toContain("policies");
});

test("a table of what was in force, newest first", async () => {
  await writeFile(at("policies", "deploy-manager.yaml"), policy(1));
  first = await served();
  for (const name of ["b", "c", "d"])
    await writeFile(at("policies", `${name}.yaml`), "guardrail: true\ndeny_actions: [x]\n");
  await writeFile(at("policies", "deploy-manager.yaml"), policy(2));
  second = await served();
  const { code, stdout } = await run("history");
  expect(code).toBe(0);
  const time = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z";
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toEqual([
    expect.stringMatching(/^ {3}version {14}when {22}event {3}by {2}files$/),
    expect.stringMatching(new RegExp(`^\\*  ${second.slice(0, 19)}  ${time}  loaded      4 files$`)),
    expect.stringMatching(new RegExp(`^   ${first.slice(0, 19)}  ${time}  loaded      deploy-manager.yaml$`)),
  ]);
});

test("diff takes versions, whole or by their first digits", async () => {
  const changes = async (...args: string[]) => (await run("diff", ...args)).stdout.trimEnd().split("\n");
  const replicas = "deploy-manager, deploy-manager.yaml, action deploy: max_replicas";
  expect(await changes(first, second.slice("sha256:".length, "sha256:".length + 8))).toContain(
    `${replicas} 1 -> 2 (looser)`,
  );
  expect(await changes(second.slice(0, 19), "policies")).toEqual(["no difference"]);
  expect(await changes("policies", first)).toContain(`${replicas} 2 -> 1 (stricter)`);
  const { stdout } = await run("diff", first, second, "--json");
  expect(JSON.parse(stdout)).toMatchObject({ before: first, after: second });
});

test("diff takes what leads somewhere for a path, and refuses what is neither", async () => {
  const name = first.slice("sha256:".length, "sha256:".length + 8);
  await writeFile(at(name), policy(7));
  expect((await run("diff", name, "policies")).stdout).toContain("action removed: max_replicas 7");
  expect((await run("diff", `sha256:${name}`, "policies")).stdout).toContain("max_replicas 1 -> 2");
  await rm(at(name));
  const refused = async (version: string, ...more: string[]) => {
    const { code, stderr } = await run("diff", version, "policies", ...more);
    return [code, stderr];
  };
  expect(await refused("00000000")).toEqual([2, "countersign: no version 00000000 is kept\n"]);
  expect(await refused("sha256:9f2")).toEqual([
    2,
    "countersign: a version is sha256: and its hash, of which 8 hex digits are enough\n",
  ]);
  expect(await refused("9f2c1a7")).toEqual([2, "countersign: 9f2c1a7 does not exist\n"]);
  expect((await refused(first, "--config", "none.yaml"))[0]).toBe(2);
});

test("a running server follows, and says who asked", async () => {
  const { server } = await serve(folder);
  try {
    const { code, stdout } = await run("rollback", first.slice(0, 19), "--reason", "blocks deployments");
    expect([code, stdout]).toEqual([0, `back to ${first}\ninstead of ${second}, until the policy files change\n`]);
    expect((await stat(join(dir, "rollback.json"))).mode & 0o777).toBe(0o600);
    await until(async () => (await history()).current === first, { what: "the server to go back" });
    expect((await history()).events[0]).toMatchObject({ event: "rolled_back", by, previous: second });
    await until(() => server.stdout().includes('"msg":"policies rolled back"'), { what: "the log line" });
  } finally {
    await server.stop();
  }
});

test("it holds at the next start, until it is released", async () => {
  expect(await served()).toBe(first);
  const { code, stdout } = await run("rollback", "--release", "--json");
  expect([code, JSON.parse(stdout)]).toEqual([0, { released: true, at: expect.any(String) }]);
  expect(await served()).toBe(second);
});

test("without a server it is judged by the files, also by files that no server has seen", async () => {
  await writeFile(at("policies", "deploy-manager.yaml"), policy(3));
  const third = await versionOfFiles();
  const { stdout } = await run("rollback", second, "--json");
  expect(JSON.parse(stdout)).toEqual({ policy_version: second, instead_of: third, at: expect.any(String) });
  expect(await served()).toBe(second);
  expect((await run("rollback", second)).stderr).toBe(`countersign: ${second} is in force already\n`);
  await run("rollback", "--release");
});

test("files with mistakes are no obstacle", async () => {
  await writeFile(at("policies", "deploy-manager.yaml"), "agent: 1\n");
  expect((await run("rollback", first)).code).toBe(0);
  expect(await served()).toBe(first);
  await writeFile(at("policies", "deploy-manager.yaml"), policy(3));
  expect(await served()).toBe(await versionOfFiles());
  expect(await readdir(dir)).not.toContain("rollback.json");
});

test.each<[string, string[], string]>([
  ["nothing", [], "name a version to go back to, or end a roll-back with --release"],
  ["both", ["9f2c1a77", "--release"], "name a version to go back to, or end a roll-back with --release"],
  ["too little of a version", ["9f2c1a7"], "a version is sha256: and its hash, of which 8 hex digits are enough"],
  ["an empty reason", ["9f2c1a77", "--reason", ""], "--reason: write 1 to 500 characters"],
])("%s is wrong use", async (_what, args, words) => {
  expect(await run("rollback", ...args)).toEqual({ code: 2, stdout: "", stderr: `countersign: ${words}\n` });
});

test("a version that was made by another program, or is not what its name says, is refused in the words for bundles", async () => {
  const path = join(dir, `${first.slice("sha256:".length)}.tar.gz`);
  const good = await readFile(path);
  await writeFile(path, await readFile(join(dir, `${second.slice("sha256:".length)}.tar.gz`)));
  expect(await run("rollback", first)).toEqual({
    code: 2,
    stdout: "",
    stderr: `countersign: ${first}: what is kept of it is ${second}\n`,
  });
  await writeFile(path, good.subarray(0, 100));
  expect((await run("rollback", first)).stderr).toBe(`countersign: ${first}: it is no gzip file\n`);
  await rm(path);
  expect((await run("rollback", first)).stderr).toBe(`countersign: no version ${first} is kept\n`);
});
