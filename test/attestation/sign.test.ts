import { createPublicKey, type JsonWebKey, verify } from "node:crypto";
import { compactVerify, createLocalJWKSet, jwtVerify } from "jose";
import { attestationFields } from "../../src/attestation/fields.js";
import { signHmacJson } from "../../src/attestation/hmac_json.js";
import { readAttestation } from "../../src/attestation/read.js";
import { signAttestation, signForHeader } from "../../src/attestation/sign.js";
import type { KeyKind, SigningKey } from "../../src/keys/keys.js";
import type { SessionState } from "../../src/session.js";
import {
  contextOf,
  goodFields,
  goodRead,
  issuer,
  type Keys,
  newKey,
  newKeys,
  now,
  seconds,
  secretOf,
  state,
} from "./fixture.js";

const id = "01KJMK0000000000000000JT11";
const about = { agent: "deploy-manager", session: "abc-123" };
const sign = (key: SigningKey, more: Partial<SessionState> = {}) =>
  signAttestation(key, issuer, { ...about, state: { ...state, ...more } }, { nowMs: now, id });

let keys: Keys;
beforeAll(async () => {
  keys = await newKeys();
});

const fields = {
  agent_id: "deploy-manager",
  session_id: "abc-123",
  initiated_by: "alice@example.com",
  role: "platform-lead",
  clearance: "tier-1",
  data_classification: ["config", "pii"],
  anomalies_detected: false,
  session_integrity: "clean",
  signed_at: "2026-03-01T14:22:00.000Z",
};
const registered = {
  iss: issuer,
  aud: "urn:countersign:session-attestation",
  sub: "deploy-manager",
  iat: seconds,
  jti: id,
};

test("says what is remembered of the session", () => {
  expect(sign(keys.own)).toEqual({ ...fields, signature: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]{86}$/) });
});

test.each<[string, Partial<SessionState>, object]>([
  ["an anomaly", { anomalies: 1 }, { anomalies_detected: true, session_integrity: "clean" }],
  ["an indicator", { anomalies: 1, indicators: { unknown_tool: 1 } }, { session_integrity: "suspect" }],
  [
    "indicators of two kinds",
    { anomalies: 2, indicators: { unknown_tool: 1, scope_exceeded: 1 } },
    { anomalies_detected: true, session_integrity: "compromised" },
  ],
  ["one kind five times", { indicators: { prompt_injection: 5 } }, { session_integrity: "compromised" }],
  [
    "what others attest",
    { outside: { seenMs: now, integrity: "suspect", anomalies: true } },
    { anomalies_detected: true, session_integrity: "suspect" },
  ],
])("tells of %s", (_name, more, told) => expect(sign(keys.own, more)).toMatchObject(told));

test("what is not known is left out", () => {
  const { initiated_by: _, role: __, clearance: ___, ...rest } = fields;
  expect(sign(keys.own, { known: {} })).toEqual({ ...rest, signature: expect.any(String) });
});

describe.each<KeyKind>(["OKP", "EC"])("a signature by an %s key", (kind) => {
  let key: SigningKey;
  beforeAll(async () => {
    key = await newKey(kind);
  });
  const jwks = () => createLocalJWKSet({ keys: [key.publicJwk() ?? {}].map((jwk) => ({ kty: "", ...jwk })) });

  test("is accepted by jose, with nothing but the published key", async () => {
    const { signature } = sign(key);
    const { protectedHeader, payload } = await jwtVerify(signature, jwks(), {
      typ: "session-attestation+jwt",
      issuer,
      audience: "urn:countersign:session-attestation",
      subject: "deploy-manager",
      currentDate: new Date(now),
    });
    expect(protectedHeader).toEqual({ alg: key.alg, kid: key.kid, typ: "session-attestation+jwt" });
    expect(payload).toEqual({ ...registered, ...fields });
    const bytes = (await compactVerify(signature, jwks())).payload;
    expect(JSON.parse(Buffer.from(bytes).toString())).toEqual(payload);
    const [head, , tail] = signature.split(".");
    await expect(compactVerify(`${head}.e30.${tail}`, jwks())).rejects.toThrow("signature verification failed");
  });

  test("holds by RFC 7515 alone", () => {
    const [head = "", payload = "", signature = ""] = sign(key).signature.split(".");
    const publicKey = createPublicKey({ key: key.publicJwk() as JsonWebKey, format: "jwk" });
    const input = Buffer.from(`${head}.${payload}`, "ascii");
    const value = Buffer.from(signature, "base64url");
    const holds =
      kind === "OKP"
        ? verify(null, input, publicKey, value)
        : verify("sha256", input, { key: publicKey, dsaEncoding: "ieee-p1363" }, value);
    expect(holds).toBe(true);
  });

  test("is read back as ours", () => {
    const context = { ...contextOf(keys), own: { key, issuer } };
    expect(readAttestation(sign(key).signature, context)).toEqual({
      signedAtMs: now,
      initiated_by: "alice@example.com",
      role: "platform-lead",
      clearance: "tier-1",
      classification: ["config", "pii"],
      anomalies: false,
      integrity: "clean",
      facts: {},
      kid: key.kid,
      own: true,
    });
  });

  test("is another installation's where its key is configured", () => {
    const context = { ...contextOf(keys), keys: [{ kid: key.kid, key }] };
    expect(readAttestation(sign(key).signature, context)).toMatchObject({ own: false, role: "platform-lead" });
  });
});

test("our own secret signs too, for ourselves", async () => {
  const key = await newKey("oct");
  const context = { ...contextOf(keys), own: { key, issuer } };
  expect(readAttestation(sign(key).signature, context)).toMatchObject({ own: true, integrity: "clean" });
});

describe("what an observer signs for the header", () => {
  const said = attestationFields.parse(goodFields);
  const named = { ...said, agent_id: "deploy-manager" };

  test.each(["okp", "ec", "oct"] as const)("by an %s key is read", (name) => {
    const header = signForHeader(keys[name], named, { id, kid: `obs-${name}` });
    expect(header.split(".")).toHaveLength(name === "oct" ? 1 : 3);
    expect(readAttestation(header, contextOf(keys))).toEqual({ ...goodRead, kid: `obs-${name}`, own: false });
  });

  test("is bound to the agent that it names", () => {
    for (const name of ["okp", "oct"] as const) {
      const header = signForHeader(keys[name], named, { id, kid: `obs-${name}` });
      expect(() => readAttestation(header, { ...contextOf(keys), agent: "other-agent" })).toThrow(
        "about another agent",
      );
    }
  });

  test("is not made when nobody would read it", () => {
    const facts = { log: "x".repeat(16_384) };
    expect(() => signForHeader(keys.okp, { ...said, facts }, { id, kid: "k" })).toThrow(RangeError);
    expect(() => signForHeader(keys.oct, { ...said, facts }, { id, kid: "k" })).toThrow(RangeError);
  });

  test("has a MAC in JSON only under a secret", () => {
    expect(() => signHmacJson(keys.okp, said)).toThrow(TypeError);
    expect(secretOf(keys.oct)).toHaveLength(32);
  });
});
