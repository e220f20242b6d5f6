import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { isExposed } from "../files/exposed.js";
import { InvalidFile, type Located, parseLocated } from "../files/located_yaml.js";
import { readWithMode } from "../files/read_with_mode.js";
import { algorithms, holdsPrivate, type Jwk, jwkSchema, type KeyKind, type KeyUse, minSecretBytes } from "./jwk.js";
import { type SigningKey, signingKeyOf, type VerifyKey, verifyKeyOf } from "./signing_key.js";

export type { Jwk, KeyKind, KeyUse } from "./jwk.js";
export type { SigningKey, VerifyKey } from "./signing_key.js";

/**
 * Reads a JWK file that has to sign. Throws `InvalidFile` when the file is missing, is no such key, holds no private
 * part, names another use, or lies open to other users of the machine.
 */
export async function readKeyFile(path: string, use: KeyUse): Promise<SigningKey> {
  const located = await readJwk(path, use, "sign");
  return keyOf(located, signingKeyOf);
}

/** Reads a JWK file, private or public only, that has to check signatures. Throws `InvalidFile` as `readKeyFile` does. */
export async function readVerifyKeyFile(path: string, use: KeyUse): Promise<VerifyKey> {
  const located = await readJwk(path, use, "verify");
  return keyOf(located, verifyKeyOf);
}

/** A new JWK from the system's random source, with its use written into it. */
export function generateKey(kind: KeyKind, use: KeyUse): Jwk {
  const purpose = { alg: algorithms[kind], use: "sig", countersign_use: use };
  return jwkSchema.parse({ ...materials[kind](), ...purpose });
}

/** Writes a JWK for its owner's eyes only (mode 0600) and never over another file (`EEXIST`). Makes the directory. */
export async function writeKeyFile(path: string, jwk: Jwk): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(jwk, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

const materials: Record<KeyKind, () => object> = {
  oct: () => ({ kty: "oct", k: randomBytes(minSecretBytes).toString("base64url") }),
  OKP: () => generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" }),
  EC: () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }),
};

async function readJwk(path: string, use: KeyUse, operation: "sign" | "verify"): Promise<Located<Jwk>> {
  const { text, mode } = await readWithMode(path).catch((error: unknown) => {
    const message = `key file cannot be read: ${messageOf(error)}`;
    throw new InvalidFile([{ file: path, line: 1, column: 1, path: "", message }]);
  });
  const located = parseLocated(path, text, jwkSchema);
  const jwk = located.value;
  const problems = [];
  if (jwk.alg !== undefined && jwk.alg !== algorithms[jwk.kty]) {
    problems.push(located.problem(["alg"], `a key of type ${jwk.kty} signs with ${algorithms[jwk.kty]}`));
  }
  if (jwk.key_ops !== undefined && !jwk.key_ops.some((op) => op === operation || op === "sign")) {
    problems.push(located.problem(["key_ops"], `does not permit "${operation}"`));
  }
  if (jwk.countersign_use !== undefined && jwk.countersign_use !== use) {
    problems.push(
      located.problem(["countersign_use"], `a key for ${jwk.countersign_use} cannot be the key for ${use}`),
    );
  }
  if (use === "audit" && jwk.kty === "EC") {
    problems.push(located.problem(["kty"], "audit records are signed with an Ed25519 (OKP) or HMAC (oct) key"));
  }
  if (holdsPrivate(jwk) && isExposed(mode)) {
    problems.push(
      located.problem([], "other users of the machine can reach this private key; chmod it to 0600 or 0640"),
    );
  }
  if (problems.length > 0) throw new InvalidFile(problems);
  return located;
}

async function keyOf<K>(located: Located<Jwk>, make: (jwk: Jwk) => Promise<K>): Promise<K> {
  try {
    return await make(located.value);
  } catch (error) {
    throw new InvalidFile([located.problem([], messageOf(error))]);
  }
}

function messageOf(error: unknown): string {
  return typeof error === "object" && error !== null && "message" in error ? String(error.message) : String(error);
}
