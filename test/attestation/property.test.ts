import fc from "fast-check";
import { signHmacJson } from "../../src/attestation/hmac_json.js";
import { signJws } from "../../src/attestation/jws.js";
import { readAttestation } from "../../src/attestation/read.js";
import type { Json } from "../../src/call.js";
import { base64url, contextOf, goodFields, goodRead, headerOf, jws, type Keys, newKeys, refusalOf } from "./fixture.js";

const timed = { interruptAfterTimeLimit: 8_000, markInterruptAsFailure: false };
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ {}\"'\\\u0000\u00e9";

let keys: Keys;
let good: { compact: string; es256: string; json: string };
beforeAll(async () => {
  keys = await newKeys();
  const fields = { ...goodFields, facts: { tests_passed: true, coverage: 0.91, ten: 10 } };
  good = {
    compact: signJws(keys.okp, fields, "obs-okp"),
    es256: signJws(keys.ec, fields, "obs-ec"),
    json: signHmacJson(keys.oct, fields, "obs-oct"),
  };
});

describe.each(["compact", "es256", "json"] as const)("%s", (form) => {
  test("what is signed here is read there", () => {
    expect(readAttestation(good[form], contextOf(keys))).toMatchObject({ ...goodRead, facts: { tests_passed: true } });
  });

  test("every single character counts", () => {
    const header = good[form];
    for (let at = 0; at < header.length; at += 1) {
      const other = header[at] === "A" ? "B" : "A";
      invalid(header.slice(0, at) + other + header.slice(at + 1));
      invalid(header.slice(0, at) + header.slice(at + 1));
    }
  });

  test("no change of one character is accepted, whichever it is", () => {
    const change = fc.tuple(fc.nat(), fc.constantFrom(...alphabet), fc.constantFrom("replace", "insert", "cut"));
    fc.assert(
      fc.property(change, ([place, character, kind]) => {
        const header = good[form];
        const at = place % header.length;
        const rest = { replace: header.slice(at + 1), insert: header.slice(at), cut: "" }[kind] ?? "";
        const changed = header.slice(0, at) + character + rest;
        fc.pre(changed !== header);
        invalid(changed);
      }),
      { ...timed, numRuns: 3_000 },
    );
  });

  test("no flipped bit of what is encoded is accepted", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(7), (place, bit) => {
        const parts = good[form].split(".").map((part) => Buffer.from(part, "base64url"));
        const whole = parts.reduce((bytes, part) => bytes + part.length, 0);
        let at = place % whole;
        for (const part of parts) {
          if (at >= 0 && at < part.length) part[at] = (part[at] ?? 0) ^ (1 << bit);
          at -= part.length;
        }
        invalid(parts.map(base64url).join("."));
      }),
      { ...timed, numRuns: 3_000 },
    );
  });
});

test("no changed field is accepted under the old signature", () => {
  const [head, , signature] = good.compact.split(".");
  const signed = JSON.parse(Buffer.from(good.json, "base64url").toString());
  const names = [...Object.keys(goodFields), "facts", "kid", "sub", "agent_id", "aud", "exp", "new_member"];
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 2 }), (name, value) => {
      fc.pre(JSON.stringify(signed[name]) !== JSON.stringify(value));
      const changed = { ...signed, [name]: value };
      invalid(base64url(JSON.stringify(changed)));
      const { signature: _, kid: __, ...fields } = changed;
      if (name !== "kid") invalid(`${head}.${base64url(JSON.stringify(fields))}.${signature}`);
    }),
    { ...timed, numRuns: 2_000 },
  );
});

test("whatever comes is read or refused, and what is read has been signed", () => {
  const anything = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.base64String({ maxLength: 200 }),
    fc.jsonValue().map((value) => base64url(JSON.stringify(value))),
    fc.tuple(fc.jsonValue(), fc.jsonValue()).map((parts) => parts.map((p) => base64url(JSON.stringify(p))).join(".")),
  );
  fc.assert(fc.property(anything, invalid), { ...timed, numRuns: 2_000 });
});

test("whatever a trusted observer signs is read or refused, and has only known values when it is read", () => {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
    fc.constantFrom<Json>("clean", "suspect", true, "2026-03-01T14:22:00Z", "deploy-manager", ["pii"], {}),
  );
  const payload = fc
    .tuple(fc.constantFrom(...Object.keys(goodFields), "facts", "agent_id", "sub", "aud", "exp", "nbf", "note"), value)
    .map(([name, given]) => ({ ...goodFields, [name]: given }));
  fc.assert(
    fc.property(payload, (fields) => {
      const header = jws(headerOf(keys.okp, "obs-okp"), fields, keys.okp.sign);
      try {
        const read = readAttestation(header, contextOf(keys));
        expect(["clean", "suspect", "compromised"]).toContain(read.integrity);
        expect(typeof read.anomalies).toBe("boolean");
        expect(read.classification.every((name) => /^[\w.-]{1,64}$/.test(name))).toBe(true);
        expect(Number.isFinite(read.signedAtMs)).toBe(true);
      } catch (error) {
        expect(error).toMatchObject({
          name: "Refusal",
          reason: expect.stringMatching(/^attestation_(invalid|expired)$/),
        });
      }
    }),
    { ...timed, numRuns: 2_000 },
  );
});

function invalid(header: string): void {
  expect(refusalOf(header, contextOf(keys)).reason).toBe("attestation_invalid");
}
