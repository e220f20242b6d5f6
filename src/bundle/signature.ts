import type { KeyObject } from "node:crypto";
import { CompactSign, compactVerify } from "jose";
import { z } from "zod";
import { sha256Hex } from "../canonical.js";
import type { SigningKey } from "../keys/keys.js";
import type { Entries } from "./archive.js";
import { InvalidBundle } from "./error.js";
import { readJson } from "./json.js";

/** Where OPA looks for the signature (https://www.openpolicyagent.org/docs/management-bundles#signing). */
export const signatureFile = ".signatures.json";

/** A key that can check a bundle's signature. A `VerifyKey` is one. */
export interface SignatureKey {
  /** Follows from the type of the key, never from what the signature claims. */
  readonly alg: "HS256" | "EdDSA" | "ES256" | "RS256";
  readonly verifyKey: KeyObject;
}

/** Clocks of who signs and who checks may differ by so much. */
const clockSkewSeconds = 60;
const hashAlgorithm = "SHA-256";

/** `opa build` names the plugin that it signs with; another one would sign something else. */
const signatures = z.strictObject({ signatures: z.tuple([z.string()]), plugin: z.literal("_default").optional() });

/** OPA's claims. Others, which OPA lets a signer add, say nothing here. */
const claims = z.looseObject({
  files: z.array(
    z.strictObject({ name: z.string(), hash: z.string().regex(/^[0-9a-f]{64}$/), algorithm: z.literal(hashAlgorithm) }),
  ),
  // A scope limits a signature to who asks for that scope, and nobody here does.
  scope: z.literal("").optional(),
  iat: z.int().min(0).optional(),
});

/** The content of `.signatures.json` for these entries. `nowMs` becomes the time of the signature. */
export async function signBundle(entries: Entries, key: SigningKey, nowMs: number): Promise<Buffer> {
  const files = [...entries].map(([name, content]) => ({
    name,
    hash: hashOf(name, content),
    algorithm: hashAlgorithm,
  }));
  const payload = Buffer.from(JSON.stringify({ files, iat: Math.floor(nowMs / 1000) }));
  const token = await new CompactSign(payload)
    .setProtectedHeader({ alg: key.alg, typ: "JWT", kid: key.kid })
    .sign(key.signKey);
  return Buffer.from(JSON.stringify({ signatures: [token] }));
}

/**
 * Checks that the key signed exactly these entries. Gives when it was signed, `null` where the signature does not say, as
 * OPA's do not. The key is the one that the operator named: a `kid` of the signature selects nothing here. Throws
 * `InvalidBundle`.
 */
export async function verifySignature(
  entries: Entries,
  key: SignatureKey,
  nowMs: number,
): Promise<{ signedAtMs: number | null }> {
  const { files, iat } = await signedClaims(entries, key);
  const listed = new Map(files.map(({ name, hash }) => [name, hash]));
  if (listed.size !== files.length) throw new InvalidBundle("the signature lists a file twice");
  for (const [name, content] of entries) {
    if (name === signatureFile) continue;
    const hash = listed.get(name);
    if (hash === undefined) throw new InvalidBundle(`the signature does not cover ${name}`);
    if (hash !== hashOf(name, content)) throw new InvalidBundle(`${name} is not what was signed`);
  }
  const missing = [...listed.keys()].find((name) => !entries.has(name));
  if (missing !== undefined)
    throw new InvalidBundle(`the signature covers ${JSON.stringify(missing)}, which is missing`);
  if (iat === undefined) return { signedAtMs: null };
  if (iat > nowMs / 1000 + clockSkewSeconds) {
    throw new InvalidBundle("the signature is from the future: compare the clocks of both machines");
  }
  return { signedAtMs: iat * 1000 };
}

async function signedClaims(entries: Entries, key: SignatureKey): Promise<z.output<typeof claims>> {
  const file = entries.get(signatureFile);
  if (!file) throw new InvalidBundle("the bundle is not signed");
  const tokens = signatures.safeParse(readJson(signatureFile, file).value);
  if (!tokens.success) throw new InvalidBundle(`${signatureFile} does not hold exactly one signature`);
  const [token] = tokens.data.signatures;
  const payload = await compactVerify(token, key.verifyKey, { algorithms: [key.alg] }).then(
    (verified) => verified.payload,
    () => {
      throw new InvalidBundle("the signature does not verify with the key");
    },
  );
  const result = claims.safeParse(readJson("the signature", payload).value);
  if (!result.success) throw new InvalidBundle("the signature does not say what OPA's bundle signatures say");
  return result.data;
}

/** Of JSON files OPA hashes the meaning, of others the bytes. */
function hashOf(name: string, content: Buffer): string {
  const base = name.slice(name.lastIndexOf("/") + 1);
  return sha256Hex(base === "data.json" || base === ".manifest" ? readJson(name, content).form : content);
}
