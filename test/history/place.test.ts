import { execFile } from "node:child_process";
import { chown, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { appendEvent, type HistoryEvent, readEvents } from "../../src/history/events.js";
import { writeWhole } from "../../src/history/place.js";
import { keptVersions, touchVersion } from "../../src/history/versions.js";

const isRoot = process.getuid?.() === 0;
const nobody = 65534;
const socket = createServer();
const event: HistoryEvent = {
  version: `sha256:${"a".repeat(64)}`,
  at: "2026-03-02T09:30:00.112Z",
  event: "loaded",
  files: ["a.yaml"],
  previous: null,
};

let folder: string;
let dir: string;
/** What somebody with the folder would like to have overwritten. */
let precious: string;
let history: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-place-"));
  dir = join(folder, "policies");
  precious = join(folder, "precious");
  history = join(dir, "history.jsonl");
  await mkdir(dir, { mode: 0o700 });
  if (isRoot) await chown(dir, nobody, nobody);
  await writeFile(precious, "precious\n", { mode: 0o600 });
});
afterEach(async () => {
  if (socket.listening) await promisify(socket.close.bind(socket))();
  await rm(folder, { recursive: true, force: true });
});

async function expectUntouched(): Promise<void> {
  expect(await readFile(precious, "utf8")).toBe("precious\n");
  expect((await stat(precious)).uid).toBe(process.getuid?.());
}
/** Owner, group and mode. */
async function rightsOf(path: string): Promise<number[]> {
  const { uid, gid, mode } = await stat(path);
  return [uid, gid, mode & 0o777];
}
async function rightsOfOwner(): Promise<number[]> {
  return [...(await rightsOf(dir)).slice(0, 2), 0o600];
}

test("what is written belongs to the folder's owner, and nobody else can read it", async () => {
  const path = join(dir, "rollback.json");
  await writeWhole(path, "{}");
  await appendEvent(dir, event);
  expect([await rightsOf(path), await rightsOf(history)]).toEqual([await rightsOfOwner(), await rightsOfOwner()]);
});

test("a file is written under a name that nobody can predict, and replaces a link instead of following it", async () => {
  const path = join(dir, "rollback.json");
  for (const name of ["rollback.json", `.rollback.json.${process.pid}.partial`])
    await symlink(precious, join(dir, name));
  await writeWhole(path, "{}");
  expect(await readFile(path, "utf8")).toBe("{}");
  await expectUntouched();
  expect((await readdir(dir)).sort()).toEqual([`.rollback.json.${process.pid}.partial`, "rollback.json"]);
});

test("writers at the same time do not get into each other's way", async () => {
  const path = join(dir, "rollback.json");
  const texts = ["a", "b", "c", "d"].map((letter) => letter.repeat(100_000));
  await Promise.all(texts.map((text) => writeWhole(path, text)));
  expect(texts).toContain(await readFile(path, "utf8"));
  expect(await readdir(dir)).toEqual(["rollback.json"]);
});

test("a write that fails leaves nothing behind", async () => {
  await mkdir(join(dir, "rollback.json"));
  await expect(writeWhole(join(dir, "rollback.json"), "{}")).rejects.toMatchObject({ code: "EISDIR" });
  expect(await readdir(dir)).toEqual(["rollback.json"]);
});

test.each<[string, () => Promise<unknown>]>([
  ["a link", () => symlink(precious, history)],
  ["a link that leads nowhere", () => symlink(join(folder, "new"), history)],
  ["a pipe", () => promisify(execFile)("mkfifo", [history])],
  ["a socket", () => new Promise<void>((resolve) => socket.listen(history, resolve))],
])("%s as the history is refused, for writing and reading", async (_what, plant) => {
  await plant();
  const words = `${history} is not a regular file: remove it`;
  await expect(appendEvent(dir, event)).rejects.toThrow(words);
  await expect(readEvents(dir)).rejects.toThrow(words);
  await expectUntouched();
  expect((await readdir(folder)).sort()).toEqual(["policies", "precious"]);
});

test("a folder as the history is refused", async () => {
  await mkdir(history);
  await expect(appendEvent(dir, event)).rejects.toMatchObject({ code: "EISDIR" });
  await expect(readEvents(dir)).rejects.toThrow(`${history} is not a regular file: remove it`);
});

test("root writes nothing into a file that has another name as well", async () => {
  await link(precious, history);
  const appending = appendEvent(dir, event);
  if (!isRoot) return expect(appending).resolves.toBeUndefined();
  await expect(appending).rejects.toThrow("has another name as well: remove one of them");
  await expectUntouched();
});

test("a version that is a link is made newer without what it leads to", async () => {
  await symlink(precious, join(dir, `${"a".repeat(64)}.tar.gz`));
  await writeFile(join(dir, `${"b".repeat(64)}.tar.gz`), "");
  const { mtimeMs } = await stat(precious);
  await touchVersion(dir, event.version, Date.now() + 3_600_000);
  expect((await stat(precious)).mtimeMs).toBe(mtimeMs);
  expect((await keptVersions(dir))[0]).toBe(event.version);
});
