import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { until } from "./until.js";

/**
 * Runs `work` while no other process on this machine does so under the same path. The lock is a directory, since making
 * one either succeeds or fails. The lock of a process that is gone is taken over. It saves double work and is no more
 * than that: `work` must do no harm when it runs twice.
 */
export async function withLock<T>(path: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  await until(() => take(path), { what: `the lock ${path}`, timeoutMs, everyMs: 100 });
  try {
    return await work();
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

async function take(path: string): Promise<true | false> {
  try {
    await mkdir(path);
    await writeFile(join(path, "pid"), String(process.pid));
    return true;
  } catch {
    if (await isStale(path)) await discard(path);
    return false;
  }
}

async function isStale(path: string): Promise<boolean> {
  const owner = await readFile(join(path, "pid"), "utf8").catch(() => undefined);
  // The owner writes its number right after it made the directory; without one after a while, it died in between.
  if (owner === undefined || owner === "") return (await ageMs(path)) > 5_000;
  return !isAlive(Number(owner));
}

async function ageMs(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? 0 : Date.now() - found.mtimeMs;
}

/** Renamed first, so that of several who see the stale lock one removes it. In the worst case two hold it at once. */
async function discard(path: string): Promise<void> {
  const aside = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await rename(path, aside).catch(() => {});
  await rm(aside, { recursive: true, force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
