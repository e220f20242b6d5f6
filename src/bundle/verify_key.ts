import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { InvalidFile } from "../files/located_yaml.js";
import { readVerifyKeyFile } from "../keys/keys.js";
import type { SignatureKey } from "./signature.js";

const minRsaBits = 2048;

/**
 * Reads the key that bundles must be signed with: a JWK of use `bundle`, its public half, or a public key in PEM as
 * OPA takes them (RSA, P-256, Ed25519). Throws `InvalidFile`.
 */
export async function readBundleKey(path: string): Promise<SignatureKey> {
  const text = await readFile(path, "utf8").catch(() => "");
  if (!text.startsWith("-----BEGIN ")) return readVerifyKeyFile(path, "bundle");
  const verifyKey = publicKeyOf(text);
  const alg = verifyKey && algorithmOf(verifyKey);
  if (verifyKey && alg) return { alg, verifyKey };
  const message = `is no public key for bundles: RSA of at least ${minRsaBits} bits, P-256 or Ed25519`;
  throw new InvalidFile([{ file: path, line: 1, column: 1, path: "", message }]);
}

/** `null` for a private key too: it has no place where signatures are only checked. */
function publicKeyOf(pem: string): KeyObject | null {
  if (!pem.startsWith("-----BEGIN PUBLIC KEY-----")) return null;
  try {
    return createPublicKey(pem);
  } catch {
    return null;
  }
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): SignatureKey["alg"] | null {
  if (asymmetricKeyType === "ed25519") return "EdDSA";
  if (asymmetricKeyType === "ec" && asymmetricKeyDetails?.namedCurve === "prime256v1") return "ES256";
  const bits = asymmetricKeyType === "rsa" ? (asymmetricKeyDetails?.modulusLength ?? 0) : 0;
  return bits >= minRsaBits ? "RS256" : null;
}
