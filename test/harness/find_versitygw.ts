import { homedir } from "node:os";
import { join } from "node:path";
import { PartMissing } from "./part_missing.js";
import { cacheFolder, isExecutable, onPath, run } from "./programs.js";

const help =
  "put versitygw 1.8 or newer on PATH (go install github.com/versity/versitygw/cmd/versitygw@v1.8.0), or set VERSITYGW_BIN";

/** An S3 server that enforces Object Lock: `$VERSITYGW_BIN`, then PATH, `~/go/bin` and `.cache/bin`. Throws `PartMissing`. */
export async function findVersitygw(): Promise<string> {
  const named = process.env.VERSITYGW_BIN;
  const usual = [join(homedir(), "go", "bin", "versitygw"), join(cacheFolder, "bin", "versitygw")];
  for (const program of named ? [named] : [await onPath("versitygw"), ...usual]) {
    if (program === undefined || !(await isExecutable(program))) continue;
    // A build of `go install` has no version of its own; that it keeps versions is what counts.
    const text = await run(program, ["posix", "--help"]).catch(() => "");
    if (text.includes("--versioning-dir")) return program;
  }
  throw new PartMissing("versitygw", named ? `VERSITYGW_BIN=${named} will not do; ${help}` : help);
}
