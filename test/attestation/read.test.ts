import { readAttestation } from "../../src/attestation/read.js";
import { Refusal } from "../../src/refusal.js";
import {
  attestationAudience,
  contextOf,
  goodFields,
  goodRead,
  headerOf,
  hmacJson,
  jws,
  type Keys,
  newKey,
  newKeys,
  now,
  refusalOf,
  seconds,
  secretOf,
} from "./fixture.js";

let keys: Keys;
beforeAll(async () => {
  keys = await newKeys();
});

type Fields = Record<string, unknown>;
const forms: [string, string, (fields: Fields) => string][] = [
  ["compact JWS, Ed25519", "obs-okp", (f) => jws(headerOf(keys.okp, "obs-okp"), f, keys.okp.sign)],
  ["compact JWS, ES256", "obs-ec", (f) => jws(headerOf(keys.ec, "obs-ec"), f, keys.ec.sign)],
  ["compact JWS, HS256", "obs-oct", (f) => jws(headerOf(keys.oct, "obs-oct"), f, keys.oct.sign)],
  ["JSON with an HMAC", "obs-oct", (f) => hmacJson(f, secretOf(keys.oct))],
  ["JSON with an HMAC and a kid", "obs-oct", (f) => hmacJson({ ...f, kid: "obs-oct" }, secretOf(keys.oct))],
];

describe.each(forms)("%s", (_name, kid, sign) => {
  const read = (more: Fields = {}, context = {}) =>
    readAttestation(sign({ ...goodFields, ...more }), { ...contextOf(keys), ...context });
  const reason = (more: Fields = {}, context = {}) =>
    refusalOf(sign({ ...goodFields, ...more }), { ...contextOf(keys), ...context }).reason;

  test("says what it says", () => {
    expect(read()).toEqual({ ...goodRead, kid, own: false });
  });

  test("may leave out who is behind the session", () => {
    const { workflow_run_id, initiated_by, role, clearance, ...rest } = goodRead;
    const absent = { workflow_run_id: undefined, initiated_by: undefined, role: undefined, clearance: undefined };
    expect(read(absent)).toEqual({ ...rest, kid, own: false });
  });

  test("names classifications once and in order, and carries facts", () => {
    const facts = { tests_passed: true, coverage: 0.91, suites: ["unit", { name: "e2e" }], waiver: null };
    const got = read({ data_classification: ["pii", "config", "pii"], facts });
    expect(got).toMatchObject({ classification: ["config", "pii"], facts });
  });

  test.each(["clean", "suspect", "compromised"])("integrity %s", (session_integrity) => {
    expect(read({ session_integrity, anomalies_detected: true })).toMatchObject({
      integrity: session_integrity,
      anomalies: true,
    });
  });

  test("is about this agent, when it names one", () => {
    expect(read({ agent_id: "deploy-manager" })).toMatchObject(goodRead);
    expect(read({ sub: "deploy-manager" })).toMatchObject(goodRead);
    expect(read({ sub: "deploy-manager", agent_id: "deploy-manager" })).toMatchObject(goodRead);
    expect(reason({ agent_id: "other-agent" })).toBe("attestation_invalid");
    expect(reason({ sub: "other-agent" })).toBe("attestation_invalid");
    expect(reason({ sub: "other-agent", agent_id: "deploy-manager" })).toBe("attestation_invalid");
    expect(reason({ sub: "deploy-manager", agent_id: "other-agent" })).toBe("attestation_invalid");
  });

  test("is about this session", () => {
    expect(reason({}, { session: "abc-124" })).toBe("attestation_invalid");
    const open = "open:deploy-manager";
    expect(read({ session_id: open }, { session: open })).toMatchObject(goodRead);
  });

  test("is not older than max_age to the millisecond, and at most five seconds ahead", () => {
    expect(read({ signed_at: "2026-03-01T14:12:00Z" }).signedAtMs).toBe(now - 600_000);
    expect(reason({ signed_at: "2026-03-01T14:11:59.999Z" })).toBe("attestation_expired");
    expect(reason({}, { maxAgeMs: 29_999 })).toBe("attestation_expired");
    expect(read({ signed_at: "2026-03-01T14:22:05Z" }).signedAtMs).toBe(now + 5_000);
    expect(reason({ signed_at: "2026-03-01T14:22:05.001Z" })).toBe("attestation_invalid");
  });

  test("what is too old and about somebody else is only invalid", () => {
    expect(reason({ signed_at: "2026-03-01T13:00:00Z", agent_id: "other-agent" })).toBe("attestation_invalid");
    expect(reason({ signed_at: "2026-03-01T13:00:00Z" }, { session: "x" })).toBe("attestation_invalid");
  });

  test.each([
    ["2026-03-01T14:21:30.123456789Z", now - 29_877],
    ["2026-03-01T14:21:30.5Z", now - 29_500],
    ["2026-03-01T14:21:30+00:00", now - 30_000],
  ])("signed_at %s", (signed_at, at) => expect(read({ signed_at }).signedAtMs).toBe(at));

  test("audience, exp and nbf hold where they are there", () => {
    expect(read({ aud: attestationAudience, exp: seconds + 1, nbf: seconds + 5 })).toMatchObject(goodRead);
    expect(read({ aud: ["urn:other", attestationAudience] })).toMatchObject(goodRead);
    expect(reason({ aud: "urn:other" })).toBe("attestation_invalid");
    expect(reason({ aud: [] })).toBe("attestation_invalid");
    expect(reason({ exp: seconds })).toBe("attestation_expired");
    expect(reason({ nbf: seconds + 6 })).toBe("attestation_invalid");
  });

  test("members that mean nothing here are signed all the same", () => {
    expect(read({ policy: { name: "strict" }, iss: "https://observer.example" })).toMatchObject(goodRead);
  });

  test("an answer to the agent does not tell how it was checked", () => {
    const refusals = [sign(goodFields).slice(0, -3), sign({ ...goodFields, session_id: "x" }), "x", ""].map((header) =>
      refusalOf(header, contextOf(keys)),
    );
    for (const { detail } of refusals) expect(detail).not.toMatch(/kid|alg|key|jws|hmac|undefined/i);
  });
});

describe("keys", () => {
  const refused = (header: string, more: object) => refusalOf(header, { ...contextOf(keys), ...more }).reason;
  const mac = (fields: Fields = goodFields) => hmacJson(fields, secretOf(keys.oct));

  test("our own attestation is told apart, also where our key is configured as well", () => {
    const claims = { ...goodFields, iss: "http://127.0.0.1:9192", sub: "deploy-manager" };
    const header = jws(headerOf(keys.own, keys.own.kid), claims, keys.own.sign);
    const context = contextOf(keys);
    expect(readAttestation(header, context)).toEqual({ ...goodRead, kid: keys.own.kid, own: true });
    const twice = { ...context, keys: [{ kid: keys.own.kid, key: keys.own }] };
    expect(readAttestation(header, twice)).toMatchObject({ own: true });
    const renamed = jws(headerOf(keys.own, "renamed"), claims, keys.own.sign);
    expect(refused(renamed, { keys: [{ kid: "renamed", key: keys.own }] })).toBe("attestation_invalid");
  });

  test("our own names issuer and agent", () => {
    const own = (claims: Fields) =>
      refused(jws(headerOf(keys.own, keys.own.kid), { ...goodFields, ...claims }, keys.own.sign), {});
    expect(own({ iss: "http://127.0.0.1:9192" })).toBe("attestation_invalid");
    expect(own({ sub: "deploy-manager" })).toBe("attestation_invalid");
    expect(own({ sub: "deploy-manager", iss: "http://127.0.0.1:9193" })).toBe("attestation_invalid");
  });

  test("with two secrets, the JSON form has to name one", async () => {
    const other = await newKey("oct");
    const two = {
      keys: [
        { kid: "one", key: keys.oct },
        { kid: "two", key: other },
      ],
    };
    expect(refused(mac(), two)).toBe("attestation_invalid");
    expect(refused(mac({ ...goodFields, kid: "two" }), two)).toBe("attestation_invalid");
    const named = mac({ ...goodFields, kid: "one" });
    expect(readAttestation(named, { ...contextOf(keys), ...two })).toMatchObject({ ...goodRead, kid: "one" });
  });

  test("two keys of one name are nobody's", async () => {
    const other = await newKey("OKP");
    const same = (kid: string) => [keys.okp, other].map((key) => ({ kid, key }));
    const header = jws(headerOf(keys.okp, "obs"), goodFields, keys.okp.sign);
    expect(refused(header, { keys: same("obs") })).toBe("attestation_invalid");
    expect(readAttestation(header, { ...contextOf(keys), keys: same("obs").slice(0, 1) })).toMatchObject(goodRead);
    // One that takes the name of ours does not get in its place.
    const ours = jws(headerOf(other, keys.own.kid), goodFields, other.sign);
    expect(refused(ours, { keys: [{ kid: keys.own.kid, key: other }] })).toBe("attestation_invalid");
  });

  test("without keys nothing is believed", () => {
    expect(refused(mac(), { keys: [] })).toBe("attestation_invalid");
    expect(refused(jws(headerOf(keys.okp, "obs-okp"), goodFields, keys.okp.sign), { keys: [] })).toBe(
      "attestation_invalid",
    );
  });

  test("our own secret makes no JSON form", async () => {
    const own = await newKey("oct");
    const context = { own: { key: own, issuer: "http://127.0.0.1:9192" } };
    const header = hmacJson({ ...goodFields, sub: "deploy-manager", iss: "http://127.0.0.1:9192" }, secretOf(own));
    expect(refused(header, { ...context, keys: [] })).toBe("attestation_invalid");
    expect(refused(header, { ...context, keys: [{ kid: "own", key: own }] })).toBe("attestation_invalid");
  });

  test("a refusal is a Refusal with its cause kept for the log", () => {
    const refusal = refusalOf("x", contextOf(keys));
    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal.cause).toBeInstanceOf(Error);
  });
});
