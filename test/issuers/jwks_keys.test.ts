import fc from "fast-check";
import { usableKeys } from "../../src/issuers/jwks_keys.js";
import { jwks, keyOf } from "./fixture.js";

const good = { ES256: keyOf("es"), RS256: keyOf("rs", "RS256"), EdDSA: keyOf("ed", "EdDSA") };

test("keys keep what selects and checks, and nothing else", () => {
  const { kty, crv, x, y } = good.ES256.public;
  const said = { ...good.ES256.public, key_ops: ["verify"], x5c: ["AAAA"], note: 1 };
  expect(usableKeys({ keys: [said], more: 1 })).toEqual([
    { kty, crv, x, y, kid: "es", alg: "ES256", use: "sig", key_ops: ["verify"] },
  ]);
  expect(usableKeys(jwks(...Object.values(good))).map(({ kid }) => kid)).toEqual(["es", "rs", "ed"]);
});

test.each([
  ["RSA of 1024 bits", keyOf("small", "RS256", 1_024).public],
  ["RSA without an exponent", { ...good.RS256.public, e: "AQ" }],
  ["a private half", { ...good.ES256.public, d: "AAAA" }],
  ["a secret", { kty: "oct", k: "c2VjcmV0", alg: "HS256" }],
  ["encryption", { ...good.RS256.public, use: "enc" }],
  ["an algorithm of encryption", { ...good.RS256.public, alg: "RSA-OAEP" }],
  ["an algorithm of another type of key", { ...good.RS256.public, alg: "ES256" }],
  ["operations without the one needed", { ...good.RS256.public, key_ops: ["encrypt"] }],
  ["a point that is not on the curve", { ...good.ES256.public, y: good.ES256.public.x }],
  ["another curve", { ...good.ES256.public, crv: "secp256k1" }],
  ["a kid that is no text", { ...good.ES256.public, kid: 1 }],
])("a key with %s is left out, and a set of nothing else is refused", (_name, key) => {
  expect(usableKeys({ keys: [key, good.EdDSA.public] }).map(({ kid }) => kid)).toEqual(["ed"]);
  expect(() => usableKeys({ keys: [key] })).toThrow("it holds no key that checks signatures");
});

test("whatever a server answers, it is keys or an error", () => {
  const members = fc.dictionary(
    fc.constantFrom("kty", "crv", "x", "y", "n", "e", "d", "kid", "use", "alg", "key_ops", "__proto__"),
    fc.oneof(
      fc.constantFrom("RSA", "EC", "OKP", "P-256", "Ed25519", "AQAB", "sig", ""),
      fc.base64String(),
      fc.jsonValue(),
    ),
  );
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fc.record({ keys: fc.array(members, { maxLength: 4 }) })), (set) => {
      try {
        expect(usableKeys(set).length).toBeGreaterThan(0);
      } catch (error) {
        expect(String(error)).toMatch(/it is no JWK Set|it holds no key/);
      }
    }),
    { interruptAfterTimeLimit: 2_000 },
  );
});
