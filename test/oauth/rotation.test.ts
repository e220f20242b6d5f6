import { createRemoteJWKSet, jwtVerify } from "jose";
import { localIssuer } from "../../src/identify/local_issuer.js";
import { generateKey, type KeyKind, type SigningKey } from "../../src/keys/keys.js";
import { signingKeyOf, verifyKeyOf } from "../../src/keys/signing_key.js";
import { type Authority, authority, issuerUrl } from "./fixture.js";

const made: Authority[] = [];
const authorityWith = async (...given: Parameters<typeof authority>) => {
  const one = await authority(...given);
  made.push(one);
  return one;
};
afterEach(async () => {
  for (const one of made.splice(0)) await one.close();
});

const newKey = (kind: KeyKind = "OKP") => signingKeyOf(generateKey(kind, "issuer"));
const form = { grant_type: "client_credentials", client_id: "plain", client_secret: "key-plain" };
const tokenOf = async (one: Authority) => (await one.post(form)).json().access_token;
const kidsOf = async (one: Authority) =>
  (await one.api.send({ url: "/.well-known/jwks.json" })).json().keys.map(({ kid }: { kid: string }) => kid);

/** A client that knows nothing of us but the address of the configuration. */
async function outsider(one: Authority, token: string) {
  const configuration = (await one.api.send({ url: "/.well-known/openid-configuration" })).json();
  const { pathname } = new URL(configuration.jwks_uri);
  const keys = createRemoteJWKSet(new URL(pathname, one.url));
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer: configuration.issuer,
    audience: "countersign",
    algorithms: configuration.id_token_signing_alg_values_supported,
    currentDate: new Date(one.nowMs),
  });
  return { sub: payload.sub, alg: protectedHeader.alg };
}

test.each([
  ["OKP", "EdDSA"],
  ["EC", "ES256"],
] as const)("an independent client verifies a token of an %s key by what is published", async (kind, alg) => {
  const one = await authorityWith({ key: await newKey(kind) });
  expect(await outsider(one, await tokenOf(one))).toEqual({ sub: "plain", alg });
});

describe("a change of keys", () => {
  let old: SigningKey;
  let next: SigningKey;
  beforeEach(async () => {
    [old, next] = [await newKey("OKP"), await newKey("EC")];
  });
  const publicHalf = async (key: SigningKey) => verifyKeyOf(JSON.parse(JSON.stringify(key.publicJwk())));
  const verifies = (keys: SigningKey[], token: string, nowMs: number) =>
    localIssuer({ issuer: issuerUrl, audience: "countersign", maxTtlMs: 3_600_000, keys }).verify(token, nowMs);

  test("leaves no token behind at any step", async () => {
    const before = await authorityWith({ key: old, issuer: { acceptedKeys: [await publicHalf(next)] } });
    const during = await authorityWith({ key: next, issuer: { acceptedKeys: [await publicHalf(old)] } });
    const after = await authorityWith({ key: next });
    const [first, second] = [await tokenOf(before), await tokenOf(during)];

    expect(await kidsOf(before)).toEqual([old.kid, next.kid]);
    expect(await kidsOf(during)).toEqual([next.kid, old.kid]);
    for (const one of [before, during]) {
      expect(await outsider(one, first)).toMatchObject({ sub: "plain", alg: "EdDSA" });
      expect(await outsider(one, second)).toMatchObject({ sub: "plain", alg: "ES256" });
    }
    expect((await verifies([next, old], first, during.nowMs)).sub).toBe("plain");

    expect(await kidsOf(after)).toEqual([next.kid]);
    expect(await outsider(after, second)).toMatchObject({ sub: "plain" });
    await expect(outsider(after, first)).rejects.toThrow(/no applicable key|not allowed/);
    await expect(verifies([next], first, after.nowMs)).rejects.toMatchObject({ reason: "token_invalid" });
  });

  test("tokens of the key before can be ended while it is accepted, and not after", async () => {
    const token = await tokenOf(await authorityWith({ key: old }));
    const during = await authorityWith({ key: next, issuer: { acceptedKeys: [await publicHalf(old)] } });
    const after = await authorityWith({ key: next });
    for (const one of [during, after]) {
      expect((await one.post({ token }, {}, "/oauth2/revoke")).statusCode).toBe(200);
    }
    expect((await during.store.changes(null)).revoked).toHaveLength(1);
    expect((await after.store.changes(null)).revoked).toEqual([]);
  });

  test("a key that is listed twice is published once", async () => {
    const one = await authorityWith({
      key: old,
      issuer: { acceptedKeys: [old, next] },
      oauth: { publishedKeys: [next] },
    });
    expect(await kidsOf(one)).toEqual([old.kid, next.kid]);
  });
});

test("only public members of public keys are published", async () => {
  const secret = await signingKeyOf(generateKey("oct", "issuer"));
  const attestation = await signingKeyOf({ ...generateKey("EC", "attestation"), kid: "att-1" });
  const one = await authorityWith({ key: secret, oauth: { publishedKeys: [attestation] } });
  const { keys } = (await one.api.send({ url: "/.well-known/jwks.json" })).json();
  expect(keys).toEqual([
    {
      kty: "EC",
      crv: "P-256",
      x: expect.any(String),
      y: expect.any(String),
      kid: "att-1",
      alg: "ES256",
      use: "sig",
    },
  ]);
  const configuration = (await one.api.send({ url: "/.well-known/openid-configuration" })).json();
  expect(configuration.id_token_signing_alg_values_supported).toEqual([]);
  expect((await one.post(form)).statusCode).toBe(200);
});

test("addresses begin with public_url, and the issuer is that of the tokens", async () => {
  const one = await authorityWith({
    issuer: { url: "https://issuer.example/a" },
    oauth: { publicUrl: "https://api.example/countersign//" },
  });
  const configuration = (await one.api.send({ url: "/.well-known/openid-configuration" })).json();
  expect(configuration).toMatchObject({
    issuer: "https://issuer.example/a",
    jwks_uri: "https://api.example/countersign/.well-known/jwks.json",
    token_endpoint: "https://api.example/countersign/oauth2/token",
    revocation_endpoint: "https://api.example/countersign/oauth2/revoke",
  });
  expect(one.claims(await one.post(form)).iss).toBe("https://issuer.example/a");
});
