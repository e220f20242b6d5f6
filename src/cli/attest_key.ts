import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { type KeyKind, keyKinds } from "../keys/jwk.js";
import { generateKey, type Jwk, readKeyFile, writeKeyFile } from "../keys/keys.js";
import { refuseTaken } from "./taken.js";
import { example, print, WrongUse } from "./terminal.js";

interface Options {
  type: KeyKind;
  kid?: string;
  json?: boolean;
}

/** `countersign attest key`: a key for an observer. */
export function attestKeyCommand(): Command {
  return new Command("key")
    .description("Make a key that signs session attestations. Never overwrites a file.")
    .argument("<file>", "where to write the key (JWK)")
    .addOption(
      new Option("--type <kty>", "OKP (Ed25519), EC (P-256), or oct, a secret that also who checks must have")
        .choices([...keyKinds])
        .default("OKP"),
    )
    .option("--kid <name>", "name of the key (default: its RFC 7638 thumbprint)")
    .option("--json", "print the result as JSON")
    .addHelpText(...example("attest key ./var/observer.jwk --kid obs-1"))
    .action(async (file: string, { type, kid, json }: Options) => {
      if (kid !== undefined) checkKid(kid);
      const jwk: Jwk = { ...generateKey(type, "attestation"), ...(kid !== undefined && { kid }) };
      await refuseTaken(writeKeyFile(file, jwk), file);
      const key = await readKeyFile(file, "attestation");
      const checks = type === "oct" ? file : `${file.replace(/\.jwk$/, "")}.pub.jwk`;
      if (checks !== file) await refuseTaken(writePublic(checks, jwk), checks);
      if (json) print(JSON.stringify({ signs: file, checks, kid: key.kid }));
      else {
        print(checks === file ? `wrote ${file}, a secret that signs and checks` : written(file, checks));
        print("To believe it, add to `attestation.keys` in countersign.yaml:");
        // Paths in the configuration are relative to it, and this one to where the command runs.
        print(`  - {kid: ${JSON.stringify(key.kid)}, file: ${JSON.stringify(resolve(checks))}}`);
      }
    });
}

/** Throws `WrongUse` for a name that no key can have. */
export function checkKid(kid: string): void {
  if (kid === "" || kid.length > 256) throw new WrongUse("--kid: must be 1 to 256 characters");
}

function written(file: string, checks: string): string {
  return `wrote ${file}, which signs, and ${checks}, which checks: give that to who believes it`;
}

async function writePublic(file: string, jwk: Jwk): Promise<void> {
  const { d: _, ...shown } = jwk;
  await writeFile(file, `${JSON.stringify(shown, null, 2)}\n`, { flag: "wx", mode: 0o644 });
}
