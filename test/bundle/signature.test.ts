import { createSecretKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { CompactSign, decodeJwt, type JWTPayload } from "jose";
import { type Entries, pack } from "../../src/bundle/archive.js";
import { openBundle } from "../../src/bundle/open.js";
import { signatureFile, signBundle, verifySignature } from "../../src/bundle/signature.js";
import { readBundleKey } from "../../src/bundle/verify_key.js";
import { generateKey, readKeyFile, writeKeyFile } from "../../src/keys/keys.js";
import { freshEntries, inFolder, newKey, nowMs, program } from "./fixture.js";

const key = await newKey();
const plain = await freshEntries();

async function signed(entries: Entries = plain, by = key): Promise<Map<string, Buffer>> {
  return new Map([...entries, [signatureFile, await signBundle(entries, by, nowMs)]]);
}

/** The entries with a signature of our own making over what the signature would say. */
async function claiming(
  change: (claims: JWTPayload & Claims) => unknown,
  header: object = {},
  by: KeyObject | null = null,
) {
  const entries = await signed();
  const [token] = JSON.parse(String(entries.get(signatureFile))).signatures;
  const claims = decodeJwt<Claims>(token);
  const payload = change(claims) ?? claims;
  const jwt = await new CompactSign(Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload)))
    .setProtectedHeader({ alg: "ES256", ...header })
    .sign(by ?? key.signKey, { crit: { x: true } });
  return entries.set(signatureFile, Buffer.from(JSON.stringify({ signatures: [jwt] })));
}

interface Claims {
  files: { name: string; hash: string; algorithm: string }[];
}

describe.each(["oct", "OKP", "EC"] as const)("a key of type %s", (kind) => {
  test("signs what its public half checks, and no other key does", async () => {
    const own = await newKey(kind);
    const entries = await signed(plain, own);
    expect(await verifySignature(entries, own, nowMs)).toEqual({ signedAtMs: nowMs });
    await expect(verifySignature(entries, await newKey(kind), nowMs)).rejects.toThrow("does not verify with the key");
  });
});

test("the signature is over every byte of every file", async () => {
  const entries = await signed();
  const names = [...plain.keys()];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), fc.nat(), fc.integer({ min: 1, max: 255 }), async (name, at, flip) => {
      const content = Buffer.from(entries.get(name) as Buffer);
      const index = at % content.length;
      content[index] = (content[index] as number) ^ flip;
      await expect(verifySignature(new Map([...entries, [name, content]]), key, nowMs)).rejects.toMatchObject({
        name: "InvalidBundle",
      });
    }),
    { numRuns: 150 },
  );
});

test("spaces and the order of members of JSON files do not count, as with OPA", async () => {
  const entries = await signed();
  const manifest = JSON.parse(String(entries.get(".manifest")));
  const turned = Object.fromEntries(Object.entries(manifest).reverse());
  entries.set(".manifest", Buffer.from(JSON.stringify(turned, null, 2)));
  await expect(verifySignature(entries, key, nowMs)).resolves.toBeDefined();
});

const jws = (text: string) => Buffer.from(JSON.stringify({ signatures: [text] }));
const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from('{"files":[]}').toString("base64url")}.`;
const wrong = "the signature does not say what OPA's bundle signatures say";

test.each<[string, string, () => Promise<Map<string, Buffer>>]>([
  ["no signature", "the bundle is not signed", async () => new Map(plain)],
  [
    "an empty list",
    "exactly one signature",
    async () => new Map([...plain, [signatureFile, Buffer.from('{"signatures":[]}')]]),
  ],
  [
    "two signatures",
    "exactly one signature",
    async () => {
      const entries = await signed();
      const { signatures } = JSON.parse(String(entries.get(signatureFile)));
      return entries.set(signatureFile, Buffer.from(JSON.stringify({ signatures: [...signatures, ...signatures] })));
    },
  ],
  [
    "a plugin of OPA",
    "exactly one signature",
    async () => {
      const entries = await signed();
      const { signatures } = JSON.parse(String(entries.get(signatureFile)));
      return entries.set(signatureFile, Buffer.from(JSON.stringify({ signatures, plugin: "x" })));
    },
  ],
  ["no JSON", ".signatures.json is not JSON", async () => (await signed()).set(signatureFile, Buffer.from("{"))],
  ["no JWS", "does not verify with the key", async () => (await signed()).set(signatureFile, jws("x"))],
  ["the algorithm none", "does not verify with the key", async () => (await signed()).set(signatureFile, jws(none))],
  [
    "a public key taken for a secret",
    "does not verify with the key",
    async () => {
      const pem = asSecret(key.verifyKey);
      return claiming(() => undefined, { alg: "HS256" }, pem);
    },
  ],
  [
    "an unknown critical header",
    "does not verify with the key",
    () => claiming(() => undefined, { crit: ["x"], x: 1 }),
  ],
  [
    "a file more",
    "the signature does not cover rego/x.rego",
    async () => (await signed()).set("rego/x.rego", Buffer.alloc(0)),
  ],
  [
    "a file less",
    'the signature covers "policy.wasm", which is missing',
    async () => {
      const entries = await signed();
      entries.delete("policy.wasm");
      return entries;
    },
  ],
  [
    "two files changed for each other",
    "is not what was signed",
    async () => {
      const entries = await signed();
      const [one, two] = ["countersign/decision.rego", "countersign/soundness.rego"] as const;
      const [first, second] = [entries.get(one) as Buffer, entries.get(two) as Buffer];
      return entries.set(one, second).set(two, first);
    },
  ],
  [
    "a file listed twice",
    "lists a file twice",
    () => claiming(({ files }) => void files.push({ ...(files[0] as Claims["files"][0]), hash: "0".repeat(64) })),
  ],
  ["a weak hash", wrong, () => claiming(({ files }) => void Object.assign(files[0] ?? {}, { algorithm: "MD5" }))],
  ["a short hash", wrong, () => claiming(({ files }) => void Object.assign(files[0] ?? {}, { hash: "00" }))],
  ["no files", wrong, () => claiming(() => ({ iat: 1 }))],
  ["no claims", wrong, () => claiming(() => "null")],
  ["claims that are no JSON", "the signature is not JSON", () => claiming(() => "{")],
  ["a scope that nobody asks for", wrong, () => claiming((claims) => ({ ...claims, scope: "write" }))],
  ["a time that is a text", wrong, () => claiming((claims) => ({ ...claims, iat: "1" }))],
  ["a time in the future", "from the future", () => claiming((claims) => ({ ...claims, iat: nowMs / 1000 + 61 }))],
])("%s is refused", async (_what, message, make) => {
  const entries = await make();
  await expect(verifySignature(entries, key, nowMs)).rejects.toThrow(message);
  await expect(openBundle(await pack(entries), { program, key, nowMs })).rejects.toThrow(message);
});

function asSecret(publicKey: KeyObject): KeyObject {
  return createSecretKey(Buffer.from(publicKey.export({ type: "spki", format: "pem" })));
}

test("claims that OPA lets a signer add, the kid, and a clock a little ahead are no matter", async () => {
  const entries = await claiming(
    (claims) => ({ ...claims, iat: nowMs / 1000 + 60, scope: "", keyid: "x", iss: "ci" }),
    { kid: "another" },
  );
  expect(await verifySignature(entries, key, nowMs)).toEqual({ signedAtMs: nowMs + 60_000 });
});

describe("the key file", () => {
  const pem = (made: { publicKey: KeyObject; privateKey: KeyObject }, half: "publicKey" | "privateKey" = "publicKey") =>
    made[half].export({ type: half === "publicKey" ? "spki" : "pkcs8", format: "pem" }).toString();
  const read = (text: string) =>
    inFolder(async (folder) => {
      await writeFile(join(folder, "key"), text, { mode: 0o600 });
      return readBundleKey(join(folder, "key"));
    });

  test.each<[string, string]>([
    ["ES256", pem(generateKeyPairSync("ec", { namedCurve: "P-256" }))],
    ["EdDSA", pem(generateKeyPairSync("ed25519"))],
    ["RS256", pem(generateKeyPairSync("rsa", { modulusLength: 2048 }))],
    ["ES256", JSON.stringify(key.publicJwk())],
  ])("may be a public key: %s", async (alg, text) => {
    expect((await read(text)).alg).toBe(alg);
  });

  test.each<[string, string, string]>([
    ["a short RSA key", "is no public key for bundles", pem(generateKeyPairSync("rsa", { modulusLength: 1024 }))],
    ["another curve", "is no public key for bundles", pem(generateKeyPairSync("ec", { namedCurve: "P-384" }))],
    ["an exchange key", "is no public key for bundles", pem(generateKeyPairSync("x25519"))],
    ["a private key in PEM", "is no public key for bundles", pem(generateKeyPairSync("ed25519"), "privateKey")],
    ["a PEM of nothing", "is no public key for bundles", "-----BEGIN PUBLIC KEY-----\n"],
    ["a certificate", "is no public key for bundles", "-----BEGIN CERTIFICATE-----\n"],
    [
      "a key for something else",
      "cannot be the key for bundle",
      JSON.stringify({ ...key.publicJwk(), countersign_use: "audit" }),
    ],
  ])("is not %s", async (_what, message, text) => {
    await expect(read(text)).rejects.toThrow(message);
    await expect(read(text)).rejects.toMatchObject({ name: "InvalidFile" });
  });

  test("is said by name when it is missing", async () => {
    await expect(readBundleKey("/nowhere/key.jwk")).rejects.toThrow("/nowhere/key.jwk:1:1: key file cannot be read");
  });
});

test("a key file that `writeKeyFile` made serves for signing and checking", () =>
  inFolder(async (folder) => {
    const path = join(folder, "bundle.jwk");
    await writeKeyFile(path, generateKey("EC", "bundle"));
    const entries = await signed(plain, await readKeyFile(path, "bundle"));
    await expect(verifySignature(entries, await readBundleKey(path), nowMs)).resolves.toBeDefined();
  }));
