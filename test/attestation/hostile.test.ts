import { createHmac } from "node:crypto";
import { readAttestation } from "../../src/attestation/read.js";
import { refusalOf as wireOf } from "../../src/reasons.js";
import {
  base64url,
  contextOf,
  goodFields,
  headerOf,
  hmacJson,
  jws,
  type Keys,
  macOf,
  newKey,
  newKeys,
  refusalOf,
  seconds,
  secretOf,
} from "./fixture.js";

let keys: Keys;
let stranger: Keys;
beforeAll(async () => {
  keys = await newKeys();
  stranger = await newKeys();
});

type Row = [string, () => string];

const head = () => headerOf(keys.okp, "obs-okp");
const good = () => jws(head(), goodFields, keys.okp.sign);
const parts = () => good().split(".") as [string, string, string];
/** One that would hold but for its header. */
const headed = (more: object) => jws({ ...head(), ...more }, goodFields, keys.okp.sign);
const headText = (text: string | Uint8Array) => jws(text, goodFields, keys.okp.sign);
const publicPem = () => Buffer.from(keys.okp.verifyKey.export({ format: "pem", type: "spki" }) as string);
const publicX = () => Buffer.from(String(keys.okp.publicJwk()?.x), "base64url");
const macOfBytes = (bytes: Uint8Array, secret: Uint8Array) => createHmac("sha256", secret).update(bytes).digest();
const macUnder = (secret: Uint8Array) => (input: Buffer) => macOfBytes(input, secret);
const strange = (more: object = {}) => jws({ ...head(), ...more }, goodFields, stranger.okp.sign);
const unsigned = () => new Uint8Array();

const compact: Row[] = [
  ["alg none, unsigned", () => jws({ ...head(), alg: "none" }, goodFields, unsigned)],
  ["alg none, with a signature", () => headed({ alg: "none" })],
  ["alg None", () => headed({ alg: "None" })],
  ["right alg, no signature", () => jws(head(), goodFields, unsigned)],
  ["HS256 under the public key as PEM", () => jws({ ...head(), alg: "HS256" }, goodFields, macUnder(publicPem()))],
  ["HS256 under the public key's bytes", () => jws({ ...head(), alg: "HS256" }, goodFields, macUnder(publicX()))],
  ["HS256 under the secret, by the name of a pair", () => jws({ ...head(), alg: "HS256" }, goodFields, keys.oct.sign)],
  ["EdDSA, by the name of the secret", () => headed({ kid: "obs-oct" })],
  ["EdDSA under the other pair's name", () => headed({ kid: "obs-ec" })],
  ["alg of the other pair", () => headed({ alg: "ES256" })],
  ["alg Ed25519, another name of the same", () => headed({ alg: "Ed25519" })],
  ["alg that is a list", () => headed({ alg: ["EdDSA"] })],
  ["no alg", () => headed({ alg: undefined })],
  ["signed by a stranger", () => strange()],
  ["signed by a stranger, embedded key", () => strange({ jwk: stranger.okp.publicJwk() })],
  ["embedded key, good signature", () => headed({ jwk: keys.okp.publicJwk() })],
  ["jku", () => headed({ jku: "https://attacker.example/jwks" })],
  ["x5u", () => headed({ x5u: "https://attacker.example/x5u" })],
  ["x5c", () => headed({ x5c: ["AAAA"] })],
  ["x5t#S256", () => headed({ "x5t#S256": "AAAA" })],
  ["unknown crit", () => headed({ crit: ["future"], future: 1 })],
  ["crit of nothing", () => headed({ crit: [] })],
  ["unencoded payload", () => headed({ b64: false, crit: ["b64"] })],
  ["compressed", () => headed({ zip: "DEF" })],
  ["cty", () => headed({ cty: "JWT" })],
  ["no kid", () => headed({ kid: undefined })],
  ["kid of nobody", () => headed({ kid: "obs-4" })],
  ["kid that is a path", () => headed({ kid: "../../dev/null" })],
  ["kid that is a query", () => headed({ kid: "' or '1'='1" })],
  ["kid __proto__", () => headText('{"alg":"EdDSA","kid":"__proto__","typ":"session-attestation+jwt"}')],
  ["kid in other letters", () => headed({ kid: "OBS-OKP" })],
  ["kid that is a number", () => headed({ kid: 0 })],
  ["kid that is a list", () => headed({ kid: ["obs-okp"] })],
  ["no typ", () => headed({ typ: undefined })],
  ["typ JWT", () => headed({ typ: "JWT" })],
  ["an agent token", () => headed({ typ: "at+jwt" })],
  ["an override token", () => headed({ typ: "override+jwt" })],
  ["typ with a prefix", () => headed({ typ: "application/session-attestation+jwt" })],
  [
    "alg twice in the header",
    () => headText('{"alg":"none","alg":"EdDSA","kid":"obs-okp","typ":"session-attestation+jwt"}'),
  ],
  ["header that is a list", () => headText("[]")],
  ["header that is no JSON", () => headText("{")],
  ["header with bytes that are no UTF-8", () => headText(Uint8Array.of(0x7b, 0xff, 0x7d))],
  ["payload of another attestation", () => swap(1)],
  ["signature of another attestation", () => swap(2)],
  ["signature cut short", () => good().slice(0, -4)],
  ["signature with more", () => `${good()}AAAA`],
  ["spare bits of the signature set", () => spareBits(good())],
  ["only two parts", () => parts().slice(0, 2).join(".")],
  ["two parts and a dot", () => `${parts().slice(0, 2).join(".")}.`],
  ["five parts", () => `${good()}.a.b`],
  ["empty payload", () => `${parts()[0]}..${parts()[2]}`],
  ["padding", () => `${good()}==`],
  ["a space before", () => ` ${good()}`],
  ["a space after", () => `${good()} `],
  ["two of them", () => `${good()},${good()}`],
  ["the flattened JSON serialization", () => flattened()],
  ["dots alone", () => ".."],
];

const mac = (fields: Record<string, unknown> = goodFields) => hmacJson(fields, secretOf(keys.oct));
/** JSON text of a good one, changed. */
const text = (change: (json: string) => string) => base64url(change(JSON.stringify(signed())));
const signed = (fields: Record<string, unknown> = goodFields) => ({
  ...fields,
  signature: macOf(fields, secretOf(keys.oct)),
});
const withSignature = (signature: unknown) => base64url(JSON.stringify({ ...goodFields, signature }));
const hex = () => macOf(goodFields, secretOf(keys.oct)).slice("hmac-sha256:".length);

const json: Row[] = [
  ["no signature", () => base64url(JSON.stringify(goodFields))],
  ["empty signature", () => withSignature("")],
  ["signature null", () => withSignature(null)],
  ["signature of the wrong kind", () => withSignature(`sha256:${hex()}`)],
  ["signature without its kind", () => withSignature(hex())],
  ["signature in capitals", () => withSignature(`hmac-sha256:${hex().toUpperCase()}`)],
  ["signature with a line break", () => withSignature(`hmac-sha256:${hex()}\n`)],
  ["signature cut short", () => withSignature(`hmac-sha256:${hex().slice(2)}`)],
  ["signature of zeros", () => withSignature(`hmac-sha256:${"0".repeat(64)}`)],
  ["signature in a list", () => withSignature([`hmac-sha256:${hex()}`])],
  ["a plain hash", () => hmacJson(goodFields, new Uint8Array())],
  ["MAC by a stranger", () => hmacJson(goodFields, secretOf(stranger.oct))],
  ["MAC under a public key as PEM", () => hmacJson(goodFields, publicPem())],
  ["MAC under a public key's bytes", () => hmacJson({ ...goodFields, kid: "obs-okp" }, publicX())],
  ["kid of a pair, MAC by the secret", () => mac({ ...goodFields, kid: "obs-okp" })],
  ["kid of nobody", () => mac({ ...goodFields, kid: "obs-4" })],
  ["kid that is a path", () => mac({ ...goodFields, kid: "../../dev/null" })],
  ["kid null", () => mac({ ...goodFields, kid: null })],
  ["kid that is a number", () => mac({ ...goodFields, kid: 0 })],
  ["kid added after signing", () => base64url(JSON.stringify({ ...signed(), kid: "obs-oct" }))],
  ["field added after signing", () => base64url(JSON.stringify({ ...signed(), note: "x" }))],
  ["field taken away after signing", () => base64url(JSON.stringify({ ...signed(), clearance: undefined }))],
  ["field changed after signing", () => text((t) => t.replace("tier-2", "tier-1"))],
  ["MAC over other JSON than its RFC 8785 form", () => overPlainText()],
  ["a field twice", () => text((t) => t.replace("{", '{"role":"platform-engineer",'))],
  ["signature twice", () => text((t) => t.replace("{", `{"signature":"hmac-sha256:${"0".repeat(64)}",`))],
  ["a field in two cases", () => mac({ ...goodFields, Role: "platform-lead" })],
  ["a name with needless escapes", () => text((t) => t.replace('"role"', '"r\\u006fle"'))],
  ["__proto__", () => text((t) => t.replace("{", '{"__proto__":{},'))],
  ["a number that no double holds", () => text((t) => t.replace("{", '{"n":9007199254740993,'))],
  ["an infinite number", () => text((t) => t.replace("{", '{"n":1e400,'))],
  ["nested too deep", () => mac({ ...goodFields, facts: { deep: JSON.parse("[".repeat(40) + "]".repeat(40)) } })],
  ["a lone surrogate", () => text((t) => t.replace("{", '{"note":"\\ud800",'))],
  ["a byte order mark", () => text((t) => `\ufeff${t}`)],
  ["trailing bytes", () => text((t) => `${t}{}`)],
  ["a comment", () => text((t) => `/* */${t}`)],
  ["a list", () => base64url("[]")],
  ["nothing", () => ""],
  ["a text", () => base64url('"x"')],
  ["JSON that is not encoded", () => JSON.stringify(signed())],
  ["padding", () => `${base64url(`${JSON.stringify(signed())} `)}=`],
  ["standard base64", () => Buffer.from(JSON.stringify({ ...signed(), note: "???>>>" })).toString("base64")],
  ["the wrapper of the example", () => base64url(JSON.stringify({ session_attestation: signed() }))],
  ["over 16 KiB", () => mac({ ...goodFields, note: "x".repeat(12_300) })],
];

/** What a verified one must not say, in either form. */
const fields: [string, Record<string, unknown>, string?][] = [
  ["no session_id", { session_id: undefined }],
  ["session_id null", { session_id: null }],
  ["session_id as a list", { session_id: ["abc-123"] }],
  ["session_id with a space", { session_id: "abc-123 " }],
  ["session_id in other letters", { session_id: "ABC-123" }],
  ["session of another agent by prefix", { session_id: "abc-12" }],
  ["agent_id null", { agent_id: null }],
  ["agent_id empty", { agent_id: "" }],
  ["agent_id *", { agent_id: "*" }],
  ["agent_id in other letters", { agent_id: "Deploy-Manager" }],
  ["sub as a list", { sub: ["deploy-manager"] }],
  ["no data_classification", { data_classification: undefined }],
  ["data_classification as a text", { data_classification: "pii" }],
  ["a classification with a space", { data_classification: ["pii "] }],
  ["an empty classification", { data_classification: [""] }],
  ["a classification of 65 characters", { data_classification: ["x".repeat(65)] }],
  ["65 classifications", { data_classification: Array.from({ length: 65 }, (_, i) => `c${i}`) }],
  ["no anomalies_detected", { anomalies_detected: undefined }],
  ["anomalies_detected as a text", { anomalies_detected: "false" }],
  ["anomalies_detected as a number", { anomalies_detected: 0 }],
  ["no session_integrity", { session_integrity: undefined }],
  ["session_integrity in capitals", { session_integrity: "CLEAN" }],
  ["an integrity that is not known", { session_integrity: "ok" }],
  ["session_integrity true", { session_integrity: true }],
  ["no signed_at", { signed_at: undefined }],
  ["signed_at as a number", { signed_at: seconds }],
  ["signed_at without a zone", { signed_at: "2026-03-01T14:21:30" }],
  ["signed_at in another zone", { signed_at: "2026-03-01T15:21:30+01:00" }],
  ["signed_at at the unknown zone", { signed_at: "2026-03-01T14:21:30-00:00" }],
  ["signed_at without seconds", { signed_at: "2026-03-01T14:21Z" }],
  ["signed_at on a day that is none", { signed_at: "2026-02-29T14:21:30Z" }],
  ["signed_at at a leap second", { signed_at: "2026-03-01T14:21:60Z" }],
  ["signed_at in small letters", { signed_at: "2026-03-01t14:21:30z" }],
  ["signed_at with a line break", { signed_at: "2026-03-01T14:21:30Z\n" }],
  ["signed_at as people write it", { signed_at: "Sun, 01 Mar 2026 14:21:30 GMT" }],
  ["signed_at in the year 12026", { signed_at: "+012026-03-01T14:21:30Z" }],
  ["signed tomorrow", { signed_at: "2026-03-02T14:21:30Z" }],
  ["signed an hour ago", { signed_at: "2026-03-01T13:21:30Z" }, "attestation_expired"],
  ["signed in 1970", { signed_at: "1970-01-01T00:00:00Z" }, "attestation_expired"],
  ["role as a list", { role: ["platform-lead"] }],
  ["role with a line break", { role: "a\nb" }],
  ["clearance null", { clearance: null }],
  ["clearance with a direction override", { clearance: "tier-\u202e1" }],
  ["initiated_by empty", { initiated_by: "" }],
  ["workflow_run_id of 257 characters", { workflow_run_id: "x".repeat(257) }],
  ["facts as a list", { facts: [true] }],
  ["facts null", { facts: null }],
  ["65 facts", { facts: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`f${i}`, true])) }],
  ["a fact without a name", { facts: { "": true } }],
  ["another audience", { aud: "urn:countersign:override" }],
  ["the audience with more", { aud: "urn:countersign:session-attestation " }],
  ["aud null", { aud: null }],
  ["aud with a number", { aud: ["urn:countersign:session-attestation", 1] }],
  ["exp as a text", { exp: String(seconds + 60) }],
  ["exp null", { exp: null }],
  ["past exp", { exp: seconds - 1 }, "attestation_expired"],
  ["negative exp", { exp: -1 }, "attestation_expired"],
  ["nbf as a text", { nbf: "0" }],
  ["nbf of tomorrow", { nbf: seconds + 86_400 }],
];

const asJws = (more: object) => jws(head(), { ...goodFields, ...more }, keys.okp.sign);
const asJson = (more: object) => mac({ ...goodFields, ...more });

test("what every row spoils is good", () => {
  for (const header of [good(), mac(), asJws({ facts: {} }), asJson({ facts: {} })]) {
    expect(readAttestation(header, contextOf(keys))).toMatchObject({ integrity: "clean", own: false });
  }
});

test.each(compact)("compact JWS: %s", (_name, header) => refused(header(), "attestation_invalid"));
test.each(json)("JSON form: %s", (_name, header) => refused(header(), "attestation_invalid"));
const invalid = "attestation_invalid";
const rows = fields.map(([name, more, reason = invalid]) => ({ name, more, reason }));
test.each(rows)("as a compact JWS: $name", ({ more, reason }) => refused(asJws(more), reason));
test.each(rows)("as JSON: $name", ({ more, reason }) => refused(asJson(more), reason));

test("a key that is rotated out is a stranger's", async () => {
  const next = await newKey("OKP");
  const context = { ...contextOf(keys), keys: [{ kid: "obs-okp", key: next }] };
  expect(refusalOf(good(), context).reason).toBe("attestation_invalid");
});

function refused(header: string, reason: string): void {
  const refusal = refusalOf(header, contextOf(keys));
  expect(refusal.reason).toBe(reason);
  expect(wireOf(refusal.reason)).toEqual({ error: "PolicyViolation", status: 403 });
  expect(refusal.detail).toMatch(/^the session attestation/);
}

function swap(part: 1 | 2): string {
  const other = jws(head(), { ...goodFields, session_integrity: "suspect" }, keys.okp.sign).split(".");
  return parts()
    .map((own, i) => (i === part ? other[i] : own))
    .join(".");
}

/** The last of 86 characters for 64 bytes has four bits that say nothing. */
function spareBits(token: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1) ?? "") + 1];
}

function flattened(): string {
  const [header, payload, signature] = parts();
  return base64url(JSON.stringify({ protected: header, payload, signature }));
}

function overPlainText(): string {
  const spaced = JSON.stringify(goodFields, null, 1);
  return withSignature(`hmac-sha256:${macOfBytes(Buffer.from(spaced), secretOf(keys.oct)).toString("hex")}`);
}
