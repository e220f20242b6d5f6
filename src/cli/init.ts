import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { sha256Hex } from "../canonical.js";
import { generateKey, type KeyUse, writeKeyFile } from "../keys/keys.js";
import { firstFiles } from "./first_files.js";
import { type Done, example, print, WrongUse } from "./terminal.js";

const keys: Record<string, KeyUse> = {
  "var/issuer.jwk": "issuer",
  "var/approvals.jwk": "approvals",
  "var/attestation.jwk": "attestation",
  "var/audit.jwk": "audit",
};

/** `countersign init`: a first configuration that works, with keys and an admin token of its own. */
export function initCommand(_done: Done): Command {
  return new Command("init")
    .description("Write a first configuration with keys and an admin token. Never overwrites a file.")
    .option("-d, --dir <folder>", "where to write it", ".")
    .option("--json", "print the result as JSON")
    .addHelpText(...example("init --dir ./countersign"))
    .action(async ({ dir, json }: { dir: string; json?: boolean }) => {
      const token = `cst_${randomBytes(32).toString("base64url")}`;
      const files = firstFiles({ adminTokenSha256: sha256Hex(token) });
      const taken = [...Object.keys(files), ...Object.keys(keys)].filter((name) => existsSync(join(dir, name)));
      if (taken.length > 0)
        throw new WrongUse(`${taken.join(", ")} in ${dir} would be overwritten; choose an empty folder`);

      await makeFolder(dir);
      for (const [name, text] of Object.entries(files)) await writeNew(join(dir, name), text);
      for (const [name, use] of Object.entries(keys)) await writeKeyFile(join(dir, name), generateKey("OKP", use));

      const config = join(dir, "countersign.yaml");
      if (json) print(JSON.stringify({ config, admin_token: token }));
      else {
        print(`wrote ${Object.keys(files).join(", ")} and keys under var/ in ${dir}`);
        print(`\nAdmin token (people.yaml keeps only its hash), shown only now:\n  ${token}\n`);
        print(`Next: countersign serve --config ${config}`);
      }
    });
}

async function makeFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true });
  } catch (cause) {
    throw new WrongUse(`${dir} cannot be made`, { cause });
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { flag: "wx", mode: 0o640 });
}
