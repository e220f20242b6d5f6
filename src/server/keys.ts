import type { Config } from "../config/schema.js";
import { readKeyFile, type SigningKey } from "../keys/keys.js";

/** The server's keys; each has one use. */
export interface ServerKeys {
  issuer: SigningKey;
  approvals: SigningKey;
  audit: SigningKey;
  /** Signs bundles that others fetch; `null` when none is configured. */
  bundles: SigningKey | null;
}

/**
 * Reads the key files. Throws `InvalidFile`, and an `Error` when the audit key or the bundle key signs something else:
 * who could make the server sign a token must not be able to make it sign a record or policies.
 */
export async function readKeys({ identity, approvals, audit, bundles }: Config): Promise<ServerKeys> {
  const issuer = await readKeyFile(identity.issuer.key_file, "issuer");
  const keys = {
    issuer,
    approvals:
      approvals.key_file === identity.issuer.key_file ? issuer : await readKeyFile(approvals.key_file, "approvals"),
    audit: await readKeyFile(audit.key_file, "audit"),
    bundles: bundles.key_file === undefined ? null : await readKeyFile(bundles.key_file, "bundle"),
  };
  const tokens = [keys.issuer, keys.approvals].map(({ thumbprint }) => thumbprint);
  if (tokens.includes(keys.audit.thumbprint)) {
    throw new Error(`${audit.key_file}: the audit key is also used for tokens; give it a key of its own`);
  }
  if (keys.bundles && [...tokens, keys.audit.thumbprint].includes(keys.bundles.thumbprint)) {
    throw new Error(`${bundles.key_file}: the bundle key is also used for tokens or records; give it a key of its own`);
  }
  return keys;
}
