import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openVersion, pruneVersions } from "../../src/history/versions.js";
import { lines, type Place, place, program, type Running, start } from "./fixture.js";

let here: Place;
let server: Running | undefined;
beforeEach(async () => {
  here = await place();
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  await here.stop();
});

const begin = async (options: Parameters<typeof start>[1] = {}): Promise<Running> => {
  server = await start(here, options);
  return server;
};
const bundles = async (): Promise<string[]> =>
  (await readdir(here.dir)).filter((name) => name.endsWith(".tar.gz")).sort();
const fileOf = (version: string): string => `${version.replace("sha256:", "")}.tar.gz`;

test("every version that comes into force is kept, with a line of its own", async () => {
  const { look, current } = await begin();
  const first = current();
  await here.policy(2);
  await look();
  expect(await bundles()).toEqual([fileOf(first), fileOf(current())].sort());
  const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(await lines(here)).toEqual([
    { version: first, at, event: "loaded", files: ["a.yaml"], previous: null },
    { version: current(), at, event: "loaded", files: ["a.yaml"], previous: first },
  ]);
});

test("what is kept is the whole policy set, and only its owner can read it", async () => {
  const { current, workspace } = await begin();
  const set = await openVersion(here.dir, current(), program);
  expect(set.version).toBe(current());
  expect([...set.documents]).toEqual([...workspace.current().policies.documents]);
  const modes = await Promise.all(
    ["", "history.jsonl", fileOf(current())].map(async (name) => (await stat(join(here.dir, name))).mode & 0o777),
  );
  expect(modes).toEqual([0o700, 0o600, 0o600]);
});

test("nothing is left lying about", async () => {
  const { current } = await begin();
  expect((await readdir(here.dir)).sort()).toEqual([fileOf(current()), "history.jsonl"].sort());
});

test("policies that are refused are no version", async () => {
  const { look } = await begin();
  await here.write("policies/a.yaml", "{{{");
  await look();
  expect([await bundles(), await lines(here)].map(({ length }) => length)).toEqual([1, 1]);
});

test("only the newest are kept, and never fewer than what is in force and what was gone back to", async () => {
  const { look, current, versions } = await begin({ keep: 2 });
  const first = current();
  for (const replicas of [2, 3]) {
    await here.policy(replicas);
    await look();
  }
  const third = current();
  const second = await here.versionOf(2);
  expect(await bundles()).toEqual([fileOf(second), fileOf(third)].sort());
  await expect(openVersion(here.dir, first, program)).rejects.toThrow(`no version ${first} is kept`);
  await versions.rollBack(second, "ada", null);
  await look();
  for (const replicas of [4, 5, 6]) {
    await here.policy(replicas);
    await look();
  }
  expect(await bundles()).toEqual([fileOf(await here.versionOf(5)), fileOf(current())].sort());
});

test("what is needed is kept, however old", async () => {
  const { look, current } = await begin();
  const first = current();
  for (const replicas of [2, 3]) {
    await here.policy(replicas);
    await look();
  }
  await pruneVersions({ dir: here.dir, keep: 1 }, [first]);
  expect(await bundles()).toEqual([fileOf(first), fileOf(current())].sort());
  await pruneVersions({ dir: join(here.dir, "nowhere"), keep: 1 }, [first]);
});

test("versions are found by their beginning, of which eight digits are enough", async () => {
  const { current } = await begin();
  const hex = current().slice("sha256:".length);
  for (const text of [hex, hex.slice(0, 8), `sha256:${hex.slice(0, 8)}`, current()]) {
    expect((await openVersion(here.dir, text, program)).version).toBe(current());
  }
  for (const text of ["", hex.slice(0, 7), `${hex}0`, `sha512:${hex}`, hex.toUpperCase(), "../../etc/x", "*"]) {
    await expect(openVersion(here.dir, text, program)).rejects.toMatchObject({ code: "malformed_version" });
  }
  await writeFile(join(here.dir, `${hex.slice(0, 8)}${"f".repeat(56)}.tar.gz`), "");
  await expect(openVersion(here.dir, hex.slice(0, 8), program)).rejects.toThrow(
    `2 versions begin with ${hex.slice(0, 8)}: give more of it`,
  );
});

test("what is kept and is not what its name says is refused", async () => {
  const { look, current } = await begin();
  const first = current();
  await here.policy(2);
  await look();
  const path = join(here.dir, fileOf(first));
  await writeFile(path, await readFile(join(here.dir, fileOf(current()))));
  await expect(openVersion(here.dir, first, program)).rejects.toThrow(`${first}: what is kept of it is ${current()}`);
  await writeFile(path, "{}");
  await expect(openVersion(here.dir, first, program)).rejects.toThrow(`${first}: it is no gzip file`);
  const other = { ...program, sha256: "0".repeat(64) };
  await expect(openVersion(here.dir, current(), other)).rejects.toThrow(
    "it was made for another version of the program: build it again with this version",
  );
});

test("a torn line spoils neither the lines before it nor the one after it", async () => {
  const { look, current, versions } = await begin();
  const first = current();
  await here.policy(2);
  await look();
  const path = join(here.dir, "history.jsonl");
  const text = await readFile(path, "utf8");
  await writeFile(path, text.slice(0, -20));
  expect((await versions.show()).versions.map(({ version }) => version)).toEqual([first]);
  const second = current();
  await here.policy(3);
  await look();
  expect((await versions.show()).versions.map(({ version }) => version)).toEqual([current(), first]);
  expect(await bundles()).toContain(fileOf(second));
});

test("versions are told once each, newest first, as they last came into force", async () => {
  const { look, current, versions } = await begin();
  const first = current();
  await here.policy(2);
  await look();
  const second = current();
  await here.policy(1);
  await look();
  expect(await versions.show()).toEqual({
    current: first,
    rolled_back: null,
    versions: [first, second].map((version) => ({
      version,
      loaded_at: expect.any(String),
      files: ["a.yaml"],
      event: "loaded",
    })),
  });
});

test("a history that cannot be written is told, and policies load all the same", async () => {
  const { look, current, history, log } = await begin();
  const first = current();
  expect(history.trouble()).toBeNull();
  await rm(here.dir, { recursive: true });
  await here.write("var/policies", "in the way");
  await here.policy(2);
  await look();
  expect(current()).not.toBe(first);
  expect(history.trouble()).toMatch(/EEXIST|ENOTDIR/);
  expect(log.filter(({ history }) => history)).toHaveLength(1);
  await rm(here.dir);
  await here.policy(3);
  await look();
  expect(history.trouble()).toBeNull();
  expect(await bundles()).toEqual([fileOf(current())]);
});

test("what cannot be read is no reason to guess whether policies are rolled back", async () => {
  await here.write("var/policies/rollback.json", "{");
  await expect(start(here)).rejects.toThrow(
    "rollback.json cannot be read: ask again with `countersign policy rollback`",
  );
});
