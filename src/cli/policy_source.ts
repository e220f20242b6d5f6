import { existsSync } from "node:fs";
import { readBundleKey } from "../bundle/verify_key.js";
import { loadConfig } from "../config/load.js";
import type { PolicySet } from "../policies/policy_set.js";
import type { Program } from "../policies/program.js";
import type { Mode } from "../verdict.js";
import { openPolicies } from "../workspace/policies.js";
import { isUrl } from "../workspace/sources.js";
import { mustExist, WrongUse } from "./terminal.js";

/** Where the policies of a command are. */
export interface Source {
  path: string;
  /** Of files that name none. */
  mode: Mode;
  /** Checks the signature of a bundle. */
  keyFile?: string | undefined;
}

/** A path that is given needs no configuration; then files that name no mode are enforced. */
export function sourceOf(path: string | undefined, configFile: string): Source {
  if (path === undefined) {
    const { policies, mode } = loadConfig(configFile);
    if (typeof policies === "string") return { path: policies, mode };
    if (isUrl(policies.bundle)) throw new WrongUse(`${configFile} names a bundle at a URL; give a folder or a file`);
    return { path: policies.bundle, mode, keyFile: policies.key_file };
  }
  mustExist(path);
  return { path, mode: existsSync(configFile) ? loadConfig(configFile).mode : "enforce" };
}

/** The compiled policies of a source. Throws `InvalidFile`. */
export async function open({ path, mode, keyFile }: Source, program: Program): Promise<PolicySet> {
  const key = keyFile === undefined ? null : await readBundleKey(keyFile);
  return openPolicies(path, { program, mode, key });
}

/** `1 file`, `2 files`. */
export function count(things: number, noun: string): string {
  return `${things} ${noun}${things === 1 ? "" : "s"}`;
}
