import { chown, mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
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
  const partial = join(folder, `.${basename(path)}.${process.pid}.partial`);
  try {
    await writeFile(partial, content, { mode: 0o600 });
    await giveToOwner(partial, folder);
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}

/** What root writes here is for the server, which seldom is root. */
export async function giveToOwner(path: string, folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(folder);
  await chown(path, uid, gid);
}

/** True for the error of a file or folder that is not there. */
export function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(String(detailOf(error, "code")));
}
