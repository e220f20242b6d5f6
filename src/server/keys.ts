import type { Config } from "../config/schema.js";
import { readKeyFile, type SigningKey } from "../keys/keys.js";

/** The server's keys; each has one use. */
export interface ServerKeys {
  issuer: SigningKey;
  approvals: SigningKey;
  audit: SigningKey;
}

/**
 * Reads the key files. Throws `InvalidFile`, also when the audit key signs something else: who could make the server
 * sign a token must not be able to make it sign a record.
 */
export async function readKeys({ identity, approvals, audit }: Config): Promise<ServerKeys> {
  const issuer = await readKeyFile(identity.issuer.key_file, "issuer");
  const keys = {
    issuer,
    approvals:
      approvals.key_file === identity.issuer.key_file ? issuer : await readKeyFile(approvals.key_file, "approvals"),
    audit: await readKeyFile(audit.key_file, "audit"),
  };
  const shared = [keys.issuer, keys.approvals].some((key) => key.thumbprint === keys.audit.thumbprint);
  if (shared) throw new Error(`${audit.key_file}: the audit key is also used for tokens; give it a key of its own`);
  return keys;
}
