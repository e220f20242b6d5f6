import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PartMissing } from "./part_missing.js";
import { run } from "./programs.js";

/** A place for files that really runs out of space, and gets it back. */
export interface Disk {
  /** What the system says when it is full. */
  error: "ENOSPC" | "EFBIG";
  path: string;
  /** From now on a process can write no more than it could in the rest of a page. */
  fill(pid: number): Promise<void>;
  free(pid: number): Promise<void>;
  remove(): Promise<void>;
}

/** A file system of half a mebibyte, in memory. Throws `PartMissing` where nobody may mount one. */
export async function smallFileSystem(): Promise<Disk> {
  const path = await mkdtemp(join(tmpdir(), "countersign-disk-"));
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", path]);
  } catch (error) {
    await rm(path, { recursive: true });
    throw new PartMissing("A file system in memory", "run the tests as somebody who may mount a tmpfs", error);
  }
  const filler = join(path, "filler");
  return {
    error: "ENOSPC",
    path,
    fill: () => fillUp(filler),
    free: () => rm(filler),
    async remove() {
      await run("umount", [path]);
      await rm(path, { recursive: true });
    },
  };
}

async function fillUp(filler: string): Promise<void> {
  const file = await open(filler, "w");
  try {
    for (;;) await file.write(Buffer.alloc(4_096, " "));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    await file.close();
  }
}

/** A limit on how long a process may make its files (RLIMIT_FSIZE of setrlimit(2)), which needs no rights. */
export async function limitedFiles(): Promise<Disk> {
  const path = await mkdtemp(join(tmpdir(), "countersign-disk-"));
  const limit = (bytes: number | string) => async (pid: number) => {
    await run("prlimit", ["--pid", String(pid), `--fsize=${bytes}:`]);
  };
  return {
    error: "EFBIG",
    path,
    fill: limit(1_000),
    free: limit("unlimited"),
    remove: () => rm(path, { recursive: true }),
  };
}
