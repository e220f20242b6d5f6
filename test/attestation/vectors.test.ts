import { readFileSync } from "node:fs";
import { signHmacJson } from "../../src/attestation/hmac_json.js";
import { type AttestationContext, type ReadAttestation, readAttestation } from "../../src/attestation/read.js";
import { signAttestation } from "../../src/attestation/sign.js";
import { canonicalJson } from "../../src/canonical.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { Refusal } from "../../src/refusal.js";
import { macOf, secretOf } from "./fixture.js";

interface Vector {
  name: string;
  header: string;
  agent: string;
  session: string;
  now: string;
  reads?: ReadAttestation;
  reason?: string;
}

const vectors = JSON.parse(readFileSync("test/vectors/attestation.json", "utf8"));
const own = await signingKeyOf(vectors.keys.own);
const observers = await Promise.all(
  vectors.keys.observers.map(async (jwk: { kid: string }) => ({ kid: jwk.kid, key: await signingKeyOf(jwk as never) })),
);
const context = ({ agent, session, now }: Vector): AttestationContext => ({
  keys: observers,
  own: { key: own, issuer: vectors.issuer },
  agent,
  session,
  maxAgeMs: vectors.max_age_ms,
  nowMs: Date.parse(now),
});

test.each<Vector>(vectors.attestations)("$name", (vector) => {
  let result: unknown;
  try {
    result = readAttestation(vector.header, context(vector));
  } catch (error) {
    result = error instanceof Refusal ? error.reason : error;
  }
  expect(result).toEqual(vector.reads ?? vector.reason);
});

test("signing again gives the same bytes", () => {
  const { agent, session, state, id, now, attestation } = vectors.issued;
  const nowMs = Date.parse(now);
  expect(signAttestation(own, vectors.issuer, { agent, session, state }, { nowMs, id })).toEqual(attestation);
});

test("the HMAC is over the RFC 8785 form of all members but the signature", () => {
  const { members, form, header } = vectors.canonical;
  const oct = observers.find(({ kid }: { kid: string }) => kid === "obs-oct").key;
  expect(canonicalJson(members)).toBe(form);
  const { signature, ...rest } = JSON.parse(Buffer.from(header, "base64url").toString());
  expect(rest).toEqual(members);
  expect(signature).toBe(macOf(JSON.parse(form), secretOf(oct)));
  expect(signHmacJson(oct, members, "obs-oct")).toBe(header);
});
