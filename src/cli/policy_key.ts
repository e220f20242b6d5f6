import { createPublicKey } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { generateKey, readKeyFile, writeKeyFile } from "../keys/keys.js";
import { refuseTaken } from "./taken.js";
import { example, print } from "./terminal.js";

/** `countersign policy key`: a key pair for signing bundles. */
export function policyKeyCommand(): Command {
  return new Command("key")
    .description("Make a key that signs bundles. Never overwrites a file.")
    .argument("<file>", "where to write the private key (JWK)")
    .option("--json", "print the result as JSON")
    .addHelpText(...example("policy key ./var/bundle.jwk"))
    .action(async (file: string, { json }: { json?: boolean }) => {
      const publicFile = `${file.replace(/\.jwk$/, "")}.pub.pem`;
      // ES256 is what every OPA can check.
      await refuseTaken(writeKeyFile(file, generateKey("EC", "bundle")), file);
      const key = await readKeyFile(file, "bundle");
      const pem = createPublicKey(key.signKey).export({ type: "spki", format: "pem" });
      await refuseTaken(writeFile(publicFile, pem, { flag: "wx", mode: 0o644 }), publicFile);
      if (json) print(JSON.stringify({ private_key: file, public_key: publicFile, kid: key.kid }));
      else print(`wrote ${file}, which signs, and ${publicFile}, which checks: give that to who loads the bundles`);
    });
}
