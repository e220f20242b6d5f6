import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jwtVerify, SignJWT } from "jose";
import { generateKey, type KeyKind, readKeyFile, readVerifyKeyFile, writeKeyFile } from "../../src/keys/keys.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "keys-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const data = new TextEncoder().encode("what was decided");
const secret = Buffer.alloc(32, 7).toString("base64url");
/** RFC 8037 appendix A: the key of RFC 8032 test 1, and its thumbprint. */
const rfc8037 = {
  kty: "OKP",
  crv: "Ed25519",
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
};
const rfc8037Thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

async function file(jwk: object | string, mode = 0o600): Promise<string> {
  const path = join(dir, "key.jwk");
  await writeFile(path, typeof jwk === "string" ? jwk : JSON.stringify(jwk));
  await chmod(path, mode);
  return path;
}

describe.each<[KeyKind, string]>([
  ["oct", "HS256"],
  ["OKP", "EdDSA"],
  ["EC", "ES256"],
])("a generated %s key", (kind, alg) => {
  test("signs and verifies after a round trip through its file", async () => {
    const path = join(dir, "made", "issuer.jwk");
    await writeKeyFile(path, generateKey(kind, "issuer"));
    expect((await stat(path)).mode & 0o777).toBe(0o600);

    const key = await readKeyFile(path, "issuer");
    expect(key.alg).toBe(alg);
    expect(key.kid).toBe(key.thumbprint);
    const signature = key.sign(data);
    expect(key.verify(data, signature)).toBe(true);
    expect(key.verify(data, Buffer.from(key.signText(data), "base64url"))).toBe(true);
    expect(key.verify(new TextEncoder().encode("what was decideD"), signature)).toBe(false);
    expect(key.verify(data, signature.subarray(1))).toBe(false);
    expect(key.verify(data, new Uint8Array(0))).toBe(false);
  });

  test("serves jose with its key objects", async () => {
    const path = join(dir, "key.jwk");
    await writeKeyFile(path, generateKey(kind, "issuer"));
    const key = await readKeyFile(path, "issuer");
    const token = await new SignJWT({ sub: "a" }).setProtectedHeader({ alg, kid: key.kid }).sign(key.signKey);
    const { payload } = await jwtVerify(token, key.verifyKey, { algorithms: [key.alg] });
    expect(payload.sub).toBe("a");
  });

  test("is never written over", async () => {
    const path = join(dir, "key.jwk");
    await writeKeyFile(path, generateKey(kind, "audit"));
    const before = await readFile(path, "utf8");
    await expect(writeKeyFile(path, generateKey(kind, "audit"))).rejects.toThrow("EEXIST");
    expect(await readFile(path, "utf8")).toBe(before);
  });
});

test("the thumbprint is that of RFC 8037, and a kid in the file comes before it", async () => {
  expect((await readKeyFile(await file(rfc8037), "audit")).kid).toBe(rfc8037Thumbprint);
  const named = await readKeyFile(await file({ ...rfc8037, kid: "obs-1" }), "audit");
  expect([named.kid, named.thumbprint]).toEqual(["obs-1", rfc8037Thumbprint]);
});

test("the public JWK holds no private member, and a secret has none", async () => {
  const key = await readKeyFile(await file({ ...rfc8037, countersign_use: "issuer" }), "issuer");
  expect(key.publicJwk()).toEqual({
    kty: "OKP",
    crv: "Ed25519",
    x: rfc8037.x,
    kid: rfc8037Thumbprint,
    alg: "EdDSA",
    use: "sig",
  });
  expect((await readKeyFile(await file({ kty: "oct", k: secret }), "issuer")).publicJwk()).toBeNull();
});

test("a public JWK verifies, may lie open, and cannot sign", async () => {
  const { d: _, ...open } = rfc8037;
  const path = await file(open, 0o644);
  const signature = (await readKeyFile(await file(rfc8037), "audit")).sign(data);
  await file(open, 0o644);
  expect((await readVerifyKeyFile(path, "audit")).verify(data, signature)).toBe(true);
  await expect(readKeyFile(path, "audit")).rejects.toThrow("cannot sign");
});

test.each(["644", "604", "620", "660", "666"])("a private key of mode %s is refused", async (mode) => {
  await expect(readKeyFile(await file(rfc8037, Number.parseInt(mode, 8)), "audit")).rejects.toThrow("chmod");
  await expect(readVerifyKeyFile(await file(rfc8037, Number.parseInt(mode, 8)), "audit")).rejects.toThrow("chmod");
});

test.each(["600", "400", "440", "640"])("a private key of mode %s is accepted", async (mode) => {
  expect((await readKeyFile(await file(rfc8037, Number.parseInt(mode, 8)), "audit")).alg).toBe("EdDSA");
});

test("a key has one use", async () => {
  const path = await file({ ...rfc8037, countersign_use: "issuer" });
  await expect(readKeyFile(path, "audit")).rejects.toThrow("a key for issuer cannot be the key for audit");
  expect((await readKeyFile(path, "issuer")).alg).toBe("EdDSA");
});

const other = generateKey("EC", "issuer");
test.each<[string, string, object | string]>([
  ["no JSON", "must end with a", "{"],
  ["an array", "expected a map, not a list", "[]"],
  ["another type", "kty: ", { kty: "RSA", n: "AQAB", e: "AQAB" }],
  ["another curve", "crv: ", { ...rfc8037, crv: "X25519" }],
  [
    "a short secret",
    "k: is a secret of fewer than 32 bytes",
    { kty: "oct", k: Buffer.alloc(31, 7).toString("base64url") },
  ],
  ["an empty secret", "k: is not", { kty: "oct", k: "" }],
  ["padded base64", "k: is not", { kty: "oct", k: `${secret}=` }],
  ["a number for a secret", "k: ", { kty: "oct", k: 1 }],
  ["another algorithm", "alg: a key of type oct signs with HS256", { kty: "oct", k: secret, alg: "HS512" }],
  ["none", "alg: a key of type oct signs with HS256", { kty: "oct", k: secret, alg: "none" }],
  ["an encryption key", "use: ", { ...rfc8037, use: "enc" }],
  ["a key that may only verify", 'key_ops: does not permit "sign"', { ...rfc8037, key_ops: ["verify"] }],
  ["an unknown use", "countersign_use: ", { ...rfc8037, countersign_use: "everything" }],
  ["an empty kid", "kid: ", { ...rfc8037, kid: "" }],
  ["halves of two keys", "do not belong together", { ...rfc8037, x: "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw" }],
  ["a point off the curve", "Invalid JWK EC key", { ...other, y: secret }],
  ["a short point", "Invalid JWK", { ...rfc8037, x: "AAAA" }],
  ["a repeated member", "unique", `{"kty":"oct","k":"${secret}","k":"${secret}"}`],
])("%s is refused", async (_, message, jwk) => {
  const error = String(await readKeyFile(await file(jwk), "issuer").catch((e: unknown) => e));
  expect(error).toMatch(/key\.jwk:\d+:\d+: /);
  expect(error).toContain(message);
});

test("no error shows key material", async () => {
  const path = await file({ ...rfc8037, x: "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw" });
  const error = await readKeyFile(path, "issuer").catch((e: unknown) => e);
  expect(String(error)).not.toContain(rfc8037.d);
});

test("an EC key cannot sign records", async () => {
  await expect(readKeyFile(await file(other), "audit")).rejects.toThrow("Ed25519 (OKP) or HMAC (oct)");
});

test("a missing file is said by name", async () => {
  const path = join(dir, "absent.jwk");
  await expect(readKeyFile(path, "audit")).rejects.toThrow(`${path}:1:1: key file cannot be read: ENOENT`);
});
