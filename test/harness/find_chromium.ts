import { installPackage } from "./package_manager.js";
import { PartMissing } from "./part_missing.js";
import { atLeast, onPath, run, tell } from "./programs.js";

/** Oldest Chromium that the tests are written for; it has all that the page uses. */
export const chromiumFloor = "120.0.0";
const names = ["chromium", "chromium-browser", "google-chrome"];
const help = `install chromium ${chromiumFloor} or newer, or set CHROMIUM_BIN`;

/** Path of a Chromium program: `$CHROMIUM_BIN`, then PATH, then a package. Throws `PartMissing`. */
export async function findChromium(): Promise<string> {
  const named = process.env.CHROMIUM_BIN;
  if (named) {
    if (await isUsable(named)) return named;
    throw new PartMissing("Chromium", `CHROMIUM_BIN=${named} does not run or is too old; ${help}`);
  }
  const found = await onPathAndUsable();
  if (found !== undefined) return found;
  if (await installPackage({ "apt-get": "chromium", apk: "chromium", dnf: "chromium" })) {
    const installed = await onPathAndUsable();
    if (installed !== undefined) return installed;
  }
  throw new PartMissing("Chromium", help);
}

async function onPathAndUsable(): Promise<string | undefined> {
  for (const name of names) {
    const program = await onPath(name);
    if (program !== undefined && (await isUsable(program))) return program;
  }
  return undefined;
}

async function isUsable(program: string): Promise<boolean> {
  const version = /(\d+\.\d+\.\d+)/.exec(await run(program, ["--version"]).catch(() => ""))?.[1];
  if (version !== undefined && atLeast(version, chromiumFloor)) return true;
  tell(`chromium: ${program} is ${version ?? "unusable"}, and ${chromiumFloor} is the oldest that will do`);
  return false;
}
