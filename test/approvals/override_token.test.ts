import { SignJWT } from "jose";
import { issueOverride, verifyOverride } from "../../src/approvals/override_token.js";
import { generateKey, type SigningKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { Refusal } from "../../src/refusal.js";

const now = Date.parse("2026-03-01T14:22:00Z");
const approval = { id: "apr_1", agent: "a", session: "s", fingerprint: "f".repeat(64), expiresAtMs: now + 900_500 };
let key: SigningKey;
let stranger: SigningKey;
beforeAll(async () => {
  key = await signingKeyOf(generateKey("OKP", "approvals"));
  stranger = await signingKeyOf(generateKey("OKP", "approvals"));
});

async function reason(token: string, more: { agent?: string; session?: string; now?: number } = {}): Promise<string> {
  const error: unknown = await verifyOverride(token, { key, now, agent: "a", session: "s", ...more }).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof Refusal ? error.reason : `not refused: ${error}`;
}

const claims = {
  iss: "countersign",
  aud: "urn:countersign:override",
  sub: "a",
  session: "s",
  fingerprint: approval.fingerprint,
  jti: "apr_1",
  exp: now / 1000 + 900,
};
const sign = (spoilt: object, header: object = {}, by = key) =>
  new SignJWT({ ...claims, ...spoilt })
    .setProtectedHeader({ alg: "EdDSA", typ: "override+jwt", ...header })
    .sign(by.signKey);

test("a token proves approval and fingerprint to its agent and session", async () => {
  const token = await issueOverride(key, approval);
  const proves = { approvalId: "apr_1", fingerprint: approval.fingerprint };
  expect(await verifyOverride(token, { key, now, agent: "a", session: "s" })).toEqual(proves);
  expect(await verifyOverride(await sign({}), { key, now, agent: "a", session: "s" })).toEqual(proves);
});

test("it belongs to one agent in one session, before and after its expiry", async () => {
  const token = await issueOverride(key, approval);
  for (const when of [now, now + 901_000]) {
    expect(await reason(token, { agent: "b", now: when })).toBe("override_invalid");
    expect(await reason(token, { session: "t", now: when })).toBe("override_invalid");
  }
});

test("it expires with the approval, in whole seconds, and says so to its agent", async () => {
  const token = await issueOverride(key, approval);
  expect(await reason(token, { now: now + 899_999 })).toBe("not refused: null");
  expect(await reason(token, { now: now + 900_000 })).toBe("override_expired");
});

test.each<[string, () => Promise<string> | string]>([
  ["typ of an agent token", () => sign({}, { typ: "at+jwt" })],
  ["no typ", () => sign({}, { typ: undefined })],
  ["audience of agent tokens", () => sign({ aud: "countersign" })],
  ["no audience", () => sign({ aud: undefined })],
  ["another issuer", () => sign({ iss: "http://127.0.0.1:9192" })],
  ["no expiry", () => sign({ exp: undefined })],
  ["no id", () => sign({ jti: undefined })],
  ["empty id", () => sign({ jti: "" })],
  ["no fingerprint", () => sign({ fingerprint: undefined })],
  ["fingerprint that is no string", () => sign({ fingerprint: ["f"] })],
  ["no session", () => sign({ session: undefined })],
  ["signature of a stranger", () => sign({}, {}, stranger)],
  ["key of its own", () => sign({}, { jwk: stranger.publicJwk() }, stranger)],
  ["unknown crit", async () => (await sign({})).replace(/^[^.]+/, btoa('{"alg":"EdDSA","crit":["x"],"x":1}'))],
  ["alg none", async () => `${btoa('{"alg":"none","typ":"override+jwt"}')}.${(await sign({})).split(".")[1]}.`],
  ["nothing in it", () => ""],
  ["five parts", async () => `${await sign({})}.a.b`],
  ["5 KB", () => sign({ note: "x".repeat(5000) })],
])("a token with %s is invalid", async (_name, token) => {
  expect(await reason(await token())).toBe("override_invalid");
});
