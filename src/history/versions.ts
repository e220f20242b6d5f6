import { lstat, lutimes, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { InvalidBundle } from "../bundle/error.js";
import { openBundle } from "../bundle/open.js";
import { packBundle } from "../bundle/write.js";
import type { PolicySet } from "../policies/policy_set.js";
import type { Program } from "../policies/program.js";
import { printable } from "../printable.js";
import { HistoryError } from "./error.js";
import { type HistoryPlace, isMissing, makeFolder, writeWhole } from "./place.js";

const fileForm = /^([0-9a-f]{64})\.tar\.gz$/;
const prefixForm = /^(?:sha256:)?([0-9a-f]{8,64})$/;

/** Keeps a version as a bundle, as the newest one. Throws `HistoryError` for one that could not be opened again. */
export async function keepVersion(dir: string, set: PolicySet): Promise<void> {
  await makeFolder(dir);
  const bytes = await packBundle(set, null).catch((error) => {
    if (!(error instanceof InvalidBundle)) throw error;
    const why = `${set.version} is not kept, so nobody can go back to it: ${error.message}`;
    throw new HistoryError("unusable_version", why);
  });
  await writeWhole(fileOf(dir, set.version), bytes);
}

/** Makes a version that is kept the newest one. */
export async function touchVersion(dir: string, version: string, nowMs: number): Promise<void> {
  const time = new Date(nowMs);
  await lutimes(fileOf(dir, version), time, time);
}

/** The versions that are kept, newest first; none when there is no folder. */
export async function keptVersions(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch((error) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const found = await Promise.all(
    names.flatMap((name) => {
      const hex = fileForm.exec(name)?.[1];
      return hex === undefined ? [] : [agedVersion(join(dir, name), `sha256:${hex}`)];
    }),
  );
  return found
    .flatMap((one) => one ?? [])
    .sort((a, b) => b.mtimeMs - a.mtimeMs || (a.version < b.version ? -1 : 1))
    .map(({ version }) => version);
}

/** Removes the oldest versions but for those that are needed. */
export async function pruneVersions({ dir, keep }: HistoryPlace, needed: readonly string[]): Promise<void> {
  const surplus = (await keptVersions(dir)).slice(keep).filter((version) => !needed.includes(version));
  await Promise.all(surplus.map((version) => rm(fileOf(dir, version), { force: true })));
}

/** The one version that is kept and begins so; `sha256:` may be left out. Throws `HistoryError`. */
export async function findVersion(dir: string, text: string): Promise<string> {
  const prefix = prefixForm.exec(text)?.[1];
  if (prefix === undefined) {
    throw new HistoryError("malformed_version", "a version is sha256: and its hash, of which 8 hex digits are enough");
  }
  const [found, ...others] = (await keptVersions(dir)).filter((version) => version.startsWith(`sha256:${prefix}`));
  if (found === undefined) throw new HistoryError("unknown_version", `no version ${text} is kept`);
  if (others.length === 0) return found;
  throw new HistoryError("ambiguous_version", `${others.length + 1} versions begin with ${text}: give more of it`);
}

/**
 * A version that is kept, named whole or by its first 8 or more hex digits. Throws `HistoryError` when there is none,
 * or when what is kept is not that version, or was made for another version of the program.
 */
export async function openVersion(dir: string, text: string, program: Program): Promise<PolicySet> {
  const version = await findVersion(dir, text);
  const unusable = (why: string): HistoryError => new HistoryError("unusable_version", `${version}: ${why}`);
  try {
    const { set } = await openBundle(await readFile(fileOf(dir, version)), { program, key: null, nowMs: 0 });
    if (set.version !== version) throw unusable(`what is kept of it is ${set.version}`);
    return set;
  } catch (error) {
    if (error instanceof InvalidBundle) throw unusable(printable(error.message));
    if (isMissing(error)) throw new HistoryError("unknown_version", `no version ${version} is kept any more`);
    throw error;
  }
}

function fileOf(dir: string, version: string): string {
  return join(dir, `${version.replace("sha256:", "")}.tar.gz`);
}

/** `null` when another process has just removed it. */
async function agedVersion(path: string, version: string): Promise<{ version: string; mtimeMs: number } | null> {
  try {
    return { version, mtimeMs: (await lstat(path)).mtimeMs };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
