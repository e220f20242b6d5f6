import type { AttestationKey } from "../attestation/keys.js";
import type { Config } from "../config/schema.js";
import { readKeyFile, readVerifyKeyFile, type SigningKey, type VerifyKey } from "../keys/keys.js";

/** The server's keys; each has one use. */
export interface ServerKeys {
  issuer: SigningKey;
  /** Keys whose tokens hold too, while keys change. */
  accepted: readonly VerifyKey[];
  approvals: SigningKey;
  /** Signs the session attestations that we give out. */
  attestation: SigningKey;
  /** Of those whose attestations are believed. */
  observers: readonly AttestationKey[];
  audit: SigningKey;
  /** Keys that signed records before: chains that end with such a record go on under `audit`. */
  auditAccepted: readonly VerifyKey[];
  /** Signs bundles that others fetch; `null` when none is configured. */
  bundles: SigningKey | null;
}

/**
 * Reads the key files. Throws `InvalidFile`, and an `Error` when a key has two uses that must be kept apart: who could make
 * the server sign a token must not be able to make it sign a record or policies, and whose attestations are believed is not
 * also believed about tokens.
 */
export async function readKeys(config: Config): Promise<ServerKeys> {
  const { identity, audit, bundles } = config;
  const issuer = await readKeyFile(identity.issuer.key_file, "issuer");
  // Without a key of its own a use falls back to the issuer's; `typ` and `aud` keep the tokens apart.
  const signing = (file: string, use: "approvals" | "attestation") =>
    file === identity.issuer.key_file ? issuer : readKeyFile(file, use);
  const keys = {
    issuer,
    accepted: await Promise.all(identity.issuer.accepted_keys.map((file) => readVerifyKeyFile(file, "issuer"))),
    approvals: await signing(config.approvals.key_file, "approvals"),
    attestation: await signing(config.attestation.key_file, "attestation"),
    observers: await observersOf(config),
    audit: await readKeyFile(audit.key_file, "audit"),
    auditAccepted: await Promise.all(audit.accepted_keys.map((file) => readVerifyKeyFile(file, "audit"))),
    bundles: bundles.key_file === undefined ? null : await readKeyFile(bundles.key_file, "bundle"),
  };
  const tokens = [issuer, ...keys.accepted, keys.approvals, keys.attestation].map(({ thumbprint }) => thumbprint);
  const records = [keys.audit, ...keys.auditAccepted].map(({ thumbprint }) => thumbprint);
  const shared = records.findIndex((thumbprint) => tokens.includes(thumbprint));
  if (shared >= 0) {
    const file = [audit.key_file, ...audit.accepted_keys][shared];
    throw new Error(`${file}: the audit key is also used for tokens; give it a key of its own`);
  }
  checkKids([keys.audit, ...keys.auditAccepted]);
  if (keys.bundles && [...tokens, ...records].includes(keys.bundles.thumbprint)) {
    throw new Error(`${bundles.key_file}: the bundle key is also used for tokens or records; give it a key of its own`);
  }
  const ours = [...tokens, ...records, ...(keys.bundles ? [keys.bundles.thumbprint] : [])];
  const own = keys.observers.find(({ key }) => ours.includes(key.thumbprint));
  if (own) throw new Error(`attestation.keys: ${own.kid} is a key of our own; an observer signs with its own`);
  return keys;
}

/** A record names its key by the kid alone. */
function checkKids(keys: readonly VerifyKey[]): void {
  const twice = keys.find((key) =>
    keys.some(({ kid, thumbprint }) => kid === key.kid && thumbprint !== key.thumbprint),
  );
  if (twice === undefined) return;
  throw new Error(
    `audit.accepted_keys: two keys have the kid ${twice.kid}; give the newer one a kid of its own, or take "kid" out of it`,
  );
}

async function observersOf({ attestation }: Config): Promise<AttestationKey[]> {
  const kids = attestation.keys.map(({ kid }) => kid);
  const twice = kids.find((kid, i) => kids.indexOf(kid) !== i);
  if (twice !== undefined) throw new Error(`attestation.keys: ${twice} is listed twice; a kid is one key's`);
  return Promise.all(
    attestation.keys.map(async ({ kid, file }) => ({ kid, key: await readVerifyKeyFile(file, "attestation") })),
  );
}
