import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { detailOf } from "../bundle/error.js";

/** The history of policies: where it is, and how much of it is kept. */
export interface HistoryPlace {
  dir: string;
  /** How many versions, at least 1. */
  keep: number;
}

/** Makes the folder, which only its owner can look into. */
export async function makeFolder(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
}

/** Writes a file that appears whole or not at all, and that only the folder's owner can read. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const folder = dirname(path);
  // Nobody can put anything in the way of a name that they cannot predict, and "wx" opens nothing that is there.
  const partial = join(folder, `.${basename(path)}.${randomUUID()}.partial`);
  const handle = await open(partial, "wx", 0o600);
  try {
    try {
      await handle.writeFile(content);
      await giveToOwner(handle, folder);
    } finally {
      await handle.close();
    }
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}

/**
 * Opens a file of the folder under its own name. Throws for anything but a regular file: a link would lead what root
 * writes elsewhere, and a pipe would hold it up.
 */
export async function openRegular(path: string, flags: number): Promise<FileHandle> {
  const handle = await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600).catch((cause) => {
    const code = detailOf(cause, "code");
    throw code === "ELOOP" || code === "ENXIO" ? notRegular(path) : cause;
  });
  try {
    if (!(await handle.stat()).isFile()) throw notRegular(path);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * What root writes here is for the server, which seldom is root. Throws for a file that has another name as well: root
 * would give away what may be somebody else's.
 */
export async function giveToOwner(file: FileHandle, folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  if ((await file.stat()).nlink > 1)
    throw new Error(`a file in ${folder} has another name as well: remove one of them`);
  const { uid, gid } = await stat(folder);
  await file.chown(uid, gid);
}

function notRegular(path: string): Error {
  return new Error(`${path} is not a regular file: remove it`);
}

/** True for the error of a file or folder that is not there. */
export function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(String(detailOf(error, "code")));
}
