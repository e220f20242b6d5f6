import { randomUUID } from "node:crypto";
import { link, readFile, realpath, rename, rm, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { AuditUnavailable } from "./record.js";

/** Who holds a lock file. */
interface Owner {
  token: string;
  pid: number;
  host: string;
  /** Start time of the process in clock ticks since boot; tells it from a later one with its id. `null` = unknown. */
  started: string | null;
}

/** Locks of this process: it cannot tell itself from a former process with its id by looking at the file. */
const held = new Set<string>();

/**
 * Takes a lock file that says which process writes here. The lock of a process that no longer lives is taken over.
 * Throws `AuditUnavailable` while another one lives, or may live on another host. Resolves to the release.
 */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  const lock = join(await realpath(dirname(path)), basename(path));
  if (held.has(lock)) throw inUse(lock, `this process (${process.pid})`);
  held.add(lock);
  try {
    const owner: Owner = {
      token: randomUUID(),
      pid: process.pid,
      host: hostname(),
      started: await startOf(process.pid),
    };
    await claim(lock, owner);
    return async () => {
      held.delete(lock);
      if ((await ownerOf(lock))?.token === owner.token) await unlink(lock);
    };
  } catch (error) {
    held.delete(lock);
    throw error;
  }
}

async function claim(lock: string, owner: Owner): Promise<void> {
  const draft = `${lock}.${owner.token}`;
  await writeFile(draft, JSON.stringify(owner), { flag: "wx" });
  try {
    // A link appears with its content, and fails when the name is taken.
    if (await linked(draft, lock)) return;
    const other = await ownerOf(lock);
    if (other !== null && (await mayLive(other))) throw inUse(lock, `process ${other.pid} on host ${other.host}`);
    await removeStale(lock, other, `${draft}.stale`);
    if (!(await linked(draft, lock))) throw inUse(lock, "another process that started at the same time");
  } finally {
    await rm(draft, { force: true });
  }
}

/** Takes the judged lock away; a rename, because deleting by name could hit a lock that was taken since. */
async function removeStale(lock: string, judged: Owner | null, aside: string): Promise<void> {
  try {
    await rename(lock, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  const moved = await ownerOf(aside);
  if (moved !== null && moved.token !== judged?.token) await linked(aside, lock);
  await unlink(aside);
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** `null` when there is no lock or it is no whole one, as after a loss of power. */
async function ownerOf(lock: string): Promise<Owner | null> {
  try {
    const value = JSON.parse(await readFile(lock, "utf8")) as Partial<Owner> | null;
    const { token, pid, host, started } = value ?? {};
    if (typeof token !== "string" || typeof pid !== "number" || typeof host !== "string") return null;
    return { token, pid, host, started: started ?? null };
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === undefined) return null;
    throw error;
  }
}

async function mayLive(owner: Owner): Promise<boolean> {
  if (owner.host !== hostname()) return true;
  // After a restart of a container the new process often has the old one's id.
  if (owner.pid === process.pid) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (codeOf(error) === "ESRCH") return false;
  }
  const started = await startOf(owner.pid);
  return started === null || owner.started === null || started === owner.started;
}

/** Field 22 of `/proc/<pid>/stat`, counted behind the command, which may hold blanks (proc(5)). */
async function startOf(pid: number): Promise<string | null> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

function inUse(lock: string, by: string): AuditUnavailable {
  return new AuditUnavailable(
    `the audit directory is in use by ${by}. Stop that process, give this one another audit.dir or worker number, ` +
      `or delete ${lock} when nothing writes there any more`,
  );
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}
