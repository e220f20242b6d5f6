import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withLock } from "./lock.js";
import { freePort, isFree, portsEach, startProcess } from "./process.js";
import { atLeast, repository } from "./programs.js";
import { until } from "./until.js";

const node = process.execPath;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-harness-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("captures output, apart and in a file, and stops with SIGTERM", async () => {
  const logFile = join(folder, "both.log");
  const code = 'console.log("out"); console.error("err"); setInterval(() => {}, 1000)';
  const started = { name: "a", command: node, args: ["-e", code], logFile };
  const running = await startProcess(started);
  await until(() => running.stdout() !== "" && running.stderr() !== "", { what: "output" });
  expect([running.stdout(), running.stderr(), running.running()]).toEqual(["out\n", "err\n", true]);
  expect(await running.stop()).toEqual({ code: null, signal: "SIGTERM" });
  expect(await running.stop()).toEqual({ code: null, signal: "SIGTERM" });
  expect(running.running()).toBe(false);
  await until(async () => (await readFile(logFile, "utf8")).length === 8, { what: "the log" });
});

test("kills what does not heed SIGTERM, also when it is paused", async () => {
  const code = 'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)';
  const running = await startProcess({ name: "deaf", command: node, args: ["-e", code], graceMs: 100 });
  await until(() => running.stdout() !== "", { what: "output" });
  running.signal("SIGSTOP");
  expect(await running.stop()).toEqual({ code: null, signal: "SIGKILL" });
});

test("keeps the end of a long output", async () => {
  const code = 'process.stdout.write("a".repeat(300000)); process.stdout.write("z")';
  const running = await startProcess({ name: "long", command: node, args: ["-e", code], keepBytes: 1000 });
  await running.ended;
  expect(running.stdout().endsWith("z")).toBe(true);
  expect(running.stdout().length).toBeLessThan(200_000);
});

test("tells the last words of a program that ends before it is ready", async () => {
  const args = ["-e", 'console.error("no such thing"); process.exit(3)'];
  const start = startProcess({ name: "short", command: node, args, ready: () => false });
  await expect(start).rejects.toThrow("short ended before it was ready\nno such thing");
});

test("stops a program that does not become ready", async () => {
  let pid = 0;
  const ready = async (): Promise<boolean> => {
    pid = Number(await readFile(join(folder, "pid"), "utf8"));
    return false;
  };
  const code = `fs.writeFileSync(${JSON.stringify(join(folder, "pid"))}, String(process.pid)); setInterval(() => {}, 1000)`;
  const start = startProcess({ name: "slow", command: node, args: ["-e", code], ready, readyTimeoutMs: 1_000 });
  await expect(start).rejects.toThrow("gave up after 1000 ms waiting for slow to become ready");
  expect(isAlive(pid)).toBe(false);
});

test("says what cannot be started", async () => {
  const start = startProcess({ name: "nothing", command: join(folder, "absent"), args: [] });
  await expect(start).rejects.toThrow(/^nothing cannot be started: .*ENOENT/);
});

test("nothing outlives a parent that was killed", async () => {
  const code = [
    `import { startProcess } from ${JSON.stringify(join(repository, "test/harness/process.ts"))};`,
    'const sleep = () => startProcess({ name: "sleep", command: "sleep", args: ["600"] });',
    "const [a, b, c] = [await sleep(), await sleep(), await sleep()];",
    "await b.stop();",
    'console.log(a.pid + " " + c.pid);',
  ].join("\n");
  const args = ["--import", "tsx", "--input-type=module", "-e", code];
  const parent = await startProcess({ name: "parent", command: node, args, cwd: repository });
  const pids = await until(
    () =>
      parent
        .stdout()
        .match(/^\d+ \d+\n/)?.[0]
        .split(" ")
        .map(Number),
    { what: "children" },
  );
  expect(pids.map(isAlive)).toEqual([true, true]);
  parent.signal("SIGKILL");
  await until(() => !pids.some(isAlive), { what: "the children to end" });
});

test("a lock lets in one at a time, and the next after one who is gone", async () => {
  const path = join(folder, "some.lock");
  const gone = await startProcess({ name: "gone", command: "true", args: [] });
  await gone.ended;
  await mkdir(path);
  await writeFile(join(path, "pid"), String(gone.pid));
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => setTimeout(resolve, 20));
    inside -= 1;
  };
  await Promise.all([1, 2, 3].map(() => withLock(path, 5_000, work)));
  expect(most).toBe(1);
  await expect(withLock(path, 5_000, () => Promise.reject(new Error("mine")))).rejects.toThrow("mine");
  await withLock(path, 5_000, work);
});

test("free ports differ, and are none that the system gives away", async () => {
  const ports = await Promise.all(Array.from({ length: 40 }, freePort));
  expect(new Set(ports).size).toBe(40);
  expect(ports.every((port) => port > 1023 && port + 10_000 < 32_768)).toBe(true);
});

test("a port on which somebody listens is passed over", async () => {
  const port = await freePort();
  const listening = createServer();
  await new Promise<void>((resolve, reject) => {
    listening.once("error", reject).listen(port, "127.0.0.1", resolve);
  });
  try {
    expect(await isFree(port)).toBe(false);
    // As many as there are, so that its turn comes.
    const others: number[] = [];
    for (let n = 0; n < portsEach; n++) others.push(await freePort());
    expect(others).not.toContain(port);
  } finally {
    await new Promise((resolve) => listening.close(resolve));
  }
});

test.each([
  ["1.39.1", "1.39.1", true],
  ["1.40.0", "1.39.1", true],
  ["1.39.0", "1.39.1", false],
  ["1.9.9", "1.39.1", false],
  ["2.0.0", "1.39.1", true],
])("%s is at least %s: %s", (version, floor, wanted) => {
  expect(atLeast(version, floor)).toBe(wanted);
});
