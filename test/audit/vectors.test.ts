import { createHash, createHmac, createPublicKey, type JsonWebKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { linkTo, readLine } from "../../src/audit/chain.js";
import type { RecordDraft } from "../../src/audit/record.js";
import { jwkSchema } from "../../src/keys/jwk.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { seal } from "./sealed.js";

interface Vectors {
  keys: { ed25519: JsonWebKey; hmac: { kty: "oct"; k: string } };
  chains: {
    key: "ed25519" | "hmac";
    alg: string;
    kid: string;
    writer: string;
    records: { draft: RecordDraft; signed: string; line: string; link: string }[];
  }[];
  broken: { why: string; line: string }[];
}

const file = new URL("../vectors/record_signature.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as Vectors;

describe.each(vectors.chains)("the chain signed with $key", ({ key: name, alg, kid, writer, records }) => {
  const jwk = jwkSchema.parse(vectors.keys[name]);

  test("is what the drafts become, byte for byte", async () => {
    const key = await signingKeyOf(jwk);
    let prev: string | null = null;
    for (const [index, { draft, line, link }] of records.entries()) {
      expect(seal(draft, { seq: index + 1, prev, writer, key })).toBe(line);
      expect(linkTo(line)).toBe(link);
      prev = link;
    }
    expect(records).toHaveLength(3);
  });

  test("is read back", async () => {
    const key = await signingKeyOf(jwk);
    const read = records.map(({ line }) => readLine(Buffer.from(line), [key]));
    expect(read.map(({ seq, prev, writer: by, signature }) => [seq, prev, by, signature.alg, signature.kid])).toEqual(
      records.map((_, index) => [index + 1, records[index - 1]?.link ?? null, writer, alg, kid]),
    );
  });

  test("verifies with nothing but a JSON parser, SHA-256 and the signature algorithm", () => {
    for (const { signed, line, link } of records) {
      const { signature, ...rest } = JSON.parse(line);
      expect(rest).toEqual(JSON.parse(signed));
      expect(link).toBe(`sha256:${createHash("sha256").update(line).digest("hex")}`);
      const value = Buffer.from(signature.value, "base64url");
      if (name === "hmac") {
        const secret = Buffer.from(vectors.keys.hmac.k, "base64url");
        expect(createHmac("sha256", secret).update(signed).digest()).toEqual(value);
      } else {
        const key = createPublicKey({ key: vectors.keys.ed25519, format: "jwk" });
        expect(verify(null, Buffer.from(signed), key, value)).toBe(true);
      }
    }
  });
});

test.each(vectors.broken)("refused: $why", async ({ line }) => {
  const key = await signingKeyOf(jwkSchema.parse(vectors.keys.ed25519));
  expect(() => readLine(Buffer.from(line), [key])).toThrow(expect.objectContaining({ name: "BrokenRecord" }));
});
