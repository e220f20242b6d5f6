import { createHmac, createSecretKey } from "node:crypto";
import fc from "fast-check";
import { hmacSha256 } from "../../src/keys/hmac.js";

/** Around the sizes at which a secret is hashed first, and at which data goes to the library. */
const secrets = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 70 }),
  fc.uint8Array({ minLength: 60, maxLength: 200 }),
);
const data = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.integer({ min: 16 * 1024 - 2, max: 16 * 1024 + 2 }).map((length) => new Uint8Array(length).fill(length)),
);

test("is what the library makes, of one text after the other, whatever their lengths", () => {
  fc.assert(
    fc.property(secrets, fc.array(data, { maxLength: 6 }), (secret, texts) => {
      const key = createSecretKey(secret);
      const hmac = hmacSha256(key);
      const library = texts.map((text) => createHmac("sha256", key).update(text).digest());
      expect(texts.map((text) => hmac.bytes(text))).toEqual(library);
      expect(texts.map((text) => hmac.text(text))).toEqual(library.map((mac) => mac.toString("base64url")));
    }),
    { numRuns: 500, interruptAfterTimeLimit: 5_000 },
  );
});

test("two keys that are used in turn do not meet", () => {
  const keys = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)].map((secret) => createSecretKey(secret));
  const texts = ["a", "b", "c"].map((text) => Buffer.from(text));
  const hmacs = keys.map(hmacSha256);
  for (const text of texts) {
    expect(hmacs.map(({ bytes }) => bytes(text))).toEqual(
      keys.map((key) => createHmac("sha256", key).update(text).digest()),
    );
  }
});
