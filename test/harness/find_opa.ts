import { homedir } from "node:os";
import { join } from "node:path";
import { PartMissing } from "./part_missing.js";
import { atLeast, cacheFolder, isExecutable, onPath, run } from "./programs.js";

/** The first with Rego v1, which the policy program is written in. */
export const opaFloor = "1.0.0";
const help = `put opa ${opaFloor} or newer on PATH (https://www.openpolicyagent.org/docs#1-download-opa), or set OPA_BIN`;

export interface Opa {
  program: string;
  /** As `1.22.0`. */
  version: string;
}

/** An OPA program: `$OPA_BIN`, then PATH, `~/go/bin` and `.cache/bin`. Throws `PartMissing`. */
export async function findOpa(): Promise<Opa> {
  const named = process.env.OPA_BIN;
  const usual = [join(homedir(), "go", "bin", "opa"), join(cacheFolder, "bin", "opa")];
  for (const program of named ? [named] : [await onPath("opa"), ...usual]) {
    if (program === undefined || !(await isExecutable(program))) continue;
    const text = await run(program, ["version"]).catch(() => "");
    const version = /^Version: (\d+\.\d+\.\d+)/m.exec(text)?.[1];
    if (version !== undefined && atLeast(version, opaFloor)) return { program, version };
    if (named) throw new PartMissing("opa", `OPA_BIN=${named} is ${version ?? "unusable"}; ${help}`);
  }
  throw new PartMissing("opa", named ? `OPA_BIN=${named} is no program; ${help}` : help);
}
