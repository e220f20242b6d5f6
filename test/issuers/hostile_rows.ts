import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IdentifyContext } from "../../src/identify/credential.js";
import { identify } from "../../src/identify/index.js";
import { issueToken } from "../../src/identify/issue.js";
import { trustedIssuers } from "../../src/issuers/trusted.js";
import * as local from "../identify/fixture.js";
import {
  agentEntry,
  ci,
  clock,
  compact,
  entries,
  job,
  jwks,
  keyOf,
  now,
  seconds,
  tokenOf,
  withHmac,
} from "./fixture.js";

export const key = keyOf("2026");
export const rsa = keyOf("2026-rsa", "RS256");
const small = keyOf("small", "RS256", 1_024);
const retiredKey = keyOf("2025");
const stranger = keyOf("2026");
export const ofOther = keyOf("other");
export const otherIssuer = "https://other.example";
export const people = "countersign-people";
export const exchange = "countersign-exchange";
const agents = "countersign-agents";

const when = 'claims.repository == "acme/shop" && claims.ref_protected';
const claims = { initiated_by: "actor" };
const inSession = { ...claims, session_id: "run_id" };
/** Claims that every row spoils. */
export const good: Record<string, unknown> = {
  ...job,
  ref_protected: true,
  email: "alice@example.com",
  email_verified: true,
};
const secret = { kty: "oct", k: Buffer.from("secret").toString("base64url"), kid: "secret", alg: "HS256" };
const published = JSON.stringify({ keys: [...jwks(key, rsa, small).keys, secret] });

const folder = await mkdtemp(join(tmpdir(), "countersign-hostile-"));
afterAll(() => rm(folder, { recursive: true }));
const [place, others] = [join(folder, "jwks.json"), join(folder, "others.json")];
await writeFile(place, published);
await writeFile(others, JSON.stringify(jwks(ofOther)));
const written = [
  agentEntry(place, { when, claims: inSession, scopes: ["deploy-api:deploy"] }),
  agentEntry(place, { when: 'claims.repository == "acme/retired"', agent: "retired" }),
  agentEntry(place, { when: 'claims.repository == "acme/unregistered"', agent: "nobody" }),
  agentEntry(place, { for: "exchange", audience: exchange, when, claims }),
  agentEntry(place, { for: "people", audience: people, agent: undefined }),
  agentEntry(others, { issuer: otherIssuer, agent: "plain", audience: "countersign-others" }),
];
const at = clock();
const trusted = trustedIssuers(entries(...written), { runtime: at.runtime });
const ours = await local.issuers();
const revocations = { ...local.neverRevoked, isRevoked: (jti: string) => jti === "revoked" };

/** What the tokens are checked by. A token of ours with the id `revoked` was revoked. */
export const context: IdentifyContext = { ...ours.context, trusted, revocations };

/** Ways to use a token. */
export const use = {
  agents: (token: string) => identify({ headers: [{ name: "authorization", value: `Bearer ${token}` }] }, context),
  exchange: (token: string) => trusted.exchange(token, now),
  people: (token: string) => trusted.person(token, now),
};

/** The token that every row spoils. */
export const goodToken = () => tokenOf(key, good);
export const claim = (name: string, value: unknown) => tokenOf(key, { ...good, [name]: value });
const headed = (header: object) => tokenOf(key, good, header);
/** The good claims as JSON, with text put in. */
const text = (more: string) => tokenOf(key, JSON.stringify(good).replace(/}$/, `,${more}}`));
const valueText = (name: string, value: string) =>
  tokenOf(key, JSON.stringify({ ...good, [name]: "@" }).replace('"@"', value));
const withOld = () => tokenOf(retiredKey, good);
const parts = () => tokenOf(key, good).split(".") as [string, string, string];
const rsaPem = () => rsa.publicKey.export({ format: "pem", type: "spki" });
const hmac = (secret: string | Buffer, header: object = {}) =>
  compact({ alg: "HS256", typ: "JWT", kid: rsa.kid, ...header }, good, withHmac(secret));
const unsigned = (alg: string) => compact({ alg, kid: key.kid }, good, () => new Uint8Array());
/** DER of the two numbers of an ECDSA signature, as most libraries make it by default. */
function der(signature: Buffer): Buffer {
  const number = (bytes: Buffer) => {
    const minimal = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
    const positive = (minimal[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), minimal]) : minimal;
    return Buffer.concat([Buffer.of(2, positive.length), positive]);
  };
  const both = Buffer.concat([number(signature.subarray(0, 32)), number(signature.subarray(32))]);
  return Buffer.concat([Buffer.of(0x30, both.length), both]);
}

/** What is wrong with a token, one that has that, the reason of the refusal, and the use when not by an agent. */
export const hostile: [string, () => string | Promise<string>, string, (keyof typeof use)?][] = [
  ["alg none, unsigned", () => unsigned("none"), "token_invalid"],
  ["alg NONE, unsigned", () => unsigned("NONE"), "token_invalid"],
  ["right alg, no signature", () => unsigned("ES256"), "token_invalid"],
  ["alg none, signed", () => headed({ alg: "none" }), "token_invalid"],
  ["no alg", () => headed({ alg: undefined }), "token_invalid"],
  ["alg that is a list", () => headed({ alg: ["ES256"] }), "token_invalid"],
  ["HMAC under the public key as PEM", () => hmac(String(rsaPem())), "token_invalid"],
  ["HMAC under the public key's modulus", () => hmac(Buffer.from(String(rsa.public.n), "base64url")), "token_invalid"],
  ["HMAC under the JWK", () => hmac(JSON.stringify(rsa.public)), "token_invalid"],
  ["HMAC under a secret of the set", () => hmac("secret", { kid: "secret" }), "token_invalid"],
  ["an algorithm that the entry does not name", () => tokenOf(rsa, good, { alg: "PS256" }), "token_invalid"],
  ["the algorithm of the other key", () => headed({ alg: "RS256" }), "token_invalid"],
  ["the kid of the other key", () => headed({ kid: rsa.kid }), "token_invalid"],
  ["RSA of 1024 bits", () => tokenOf(small, good), "token_invalid"],
  [
    "ES256 in DER",
    () => compact({ alg: "ES256", kid: key.kid }, good, (input) => der(key.sign(input))),
    "token_invalid",
  ],
  ["ES256 of zeros", () => compact({ alg: "ES256", kid: key.kid }, good, () => Buffer.alloc(64)), "token_invalid"],
  ["signed by a stranger under a known kid", () => tokenOf(stranger, good), "token_invalid"],
  ["signed by a stranger under no kid", () => tokenOf(stranger, good, { kid: undefined }), "token_invalid"],
  ["signed by another trusted issuer", () => tokenOf(ofOther, good), "token_invalid"],
  ["signed by our own issuer's key", () => ourSignature(), "token_invalid"],
  ["a key that was rotated out", () => tokenOf(retiredKey, { ...good, jti: "new" }), "token_invalid"],
  ["a key that was rotated out, verified before", withOld, "token_invalid"],
  ["embedded key", () => tokenOf(stranger, good, { jwk: stranger.public }), "token_invalid"],
  ["embedded key that is known", () => headed({ jwk: key.public }), "token_invalid"],
  ["jku", () => headed({ jku: "https://attacker.example/jwks" }), "token_invalid"],
  ["x5u", () => headed({ x5u: "https://attacker.example/x5u" }), "token_invalid"],
  ["x5c", () => headed({ x5c: ["AAAA"] }), "token_invalid"],
  ["unknown crit", () => headed({ crit: ["future"], future: 1 }), "token_invalid"],
  ["crit of nothing", () => headed({ crit: [] }), "token_invalid"],
  ["crit null", () => headed({ crit: null }), "token_invalid"],
  ["unencoded payload", () => headed({ b64: false, crit: ["b64"] }), "token_invalid"],
  ["b64 that says nothing new", () => headed({ b64: true }), "token_invalid"],
  ["kid that is a path", () => headed({ kid: "../../dev/null" }), "token_invalid"],
  ["kid that is a URL", () => headed({ kid: "https://attacker.example/key" }), "token_invalid"],
  ["kid that is a query", () => headed({ kid: "' or '1'='1" }), "token_invalid"],
  ["kid __proto__", () => tokenOf(key, good, JSON.parse('{"kid": "__proto__"}')), "token_invalid"],
  ["kid with a NUL", () => headed({ kid: `${key.kid}\u0000` }), "token_invalid"],
  ["kid that is a number", () => headed({ kid: 2026 }), "token_invalid"],
  ["kid that is a list", () => headed({ kid: [key.kid] }), "token_invalid"],
  ["kid null", () => headed({ kid: null }), "token_invalid"],
  ["typ of an override token", () => headed({ typ: "override+jwt" }), "token_invalid"],
  ["typ of an approval's answer", () => headed({ typ: "approval-answer+jwt" }), "token_invalid"],
  ["typ of an attestation", () => headed({ typ: "session-attestation+jwt" }), "token_invalid"],
  ["typ of a logout token", () => headed({ typ: "logout+jwt" }), "token_invalid"],
  ["typ that hides in a media type", () => headed({ typ: "application/application/jwt" }), "token_invalid"],
  ["typ that is a list", () => headed({ typ: ["JWT"] }), "token_invalid"],
  ["header with alg twice", () => twice('{"alg":"none","alg":"ES256","kid":"2026"}'), "credential_malformed"],
  ["header that is a list", () => twice("[]"), "credential_malformed"],
  ["no iss", () => claim("iss", undefined), "token_invalid"],
  ["iss of nobody", () => claim("iss", "https://ci.example.attacker"), "token_wrong_issuer"],
  ["iss with a slash more", () => claim("iss", `${ci}/`), "token_wrong_issuer"],
  ["iss in capitals", () => claim("iss", "https://CI.example"), "token_wrong_issuer"],
  ["iss that is a list", () => claim("iss", [ci]), "token_invalid"],
  ["iss of the other issuer", () => claim("iss", otherIssuer), "token_wrong_audience"],
  [
    "iss and aud of the other issuer",
    () => tokenOf(key, { ...good, iss: otherIssuer, aud: "countersign-others" }),
    "token_invalid",
  ],
  ["iss of our own issuer", () => claim("iss", local.issuerUrl), "token_invalid"],
  ["no aud", () => claim("aud", undefined), "token_invalid"],
  ["aud of our own tokens", () => claim("aud", local.audience), "token_wrong_audience"],
  ["aud that only starts alike", () => claim("aud", `${agents} `), "token_wrong_audience"],
  ["aud in one text", () => claim("aud", `${agents} other`), "token_wrong_audience"],
  ["empty aud", () => claim("aud", []), "token_wrong_audience"],
  ["aud within a list", () => claim("aud", [[agents]]), "token_wrong_audience"],
  ["aud with a number beside ours", () => claim("aud", [agents, 1]), "token_invalid"],
  ["aud that is an object", () => claim("aud", { [agents]: true }), "token_wrong_audience"],
  ["a token for exchange", () => claim("aud", exchange), "token_wrong_audience"],
  ["a token of a person", () => claim("aud", people), "token_wrong_audience"],
  ["an agent's token, exchanged", () => claim("aud", agents), "token_wrong_audience", "exchange"],
  ["a person's token, exchanged", () => claim("aud", people), "token_wrong_audience", "exchange"],
  ["an agent's token as a person's", () => claim("aud", agents), "token_wrong_audience", "people"],
  ["a token for exchange as a person's", () => claim("aud", exchange), "token_wrong_audience", "people"],
  [
    "an issuer of agents, for people",
    () => tokenOf(ofOther, { ...good, iss: otherIssuer }),
    "token_wrong_issuer",
    "people",
  ],
  ["our own token, exchanged", () => ourToken(), "token_wrong_issuer", "exchange"],
  ["our own token as a person's", () => ourToken(), "token_wrong_issuer", "people"],
  ["no exp", () => claim("exp", undefined), "token_invalid"],
  ["exp null", () => claim("exp", null), "token_invalid"],
  ["exp as a text", () => claim("exp", String(good.exp)), "token_invalid"],
  ["exp NaN", () => valueText("exp", "NaN"), "token_invalid"],
  ["exp 1e400", () => valueText("exp", "1e400"), "token_invalid"],
  ["exp in milliseconds", () => claim("exp", seconds * 1000), "token_lifetime"],
  ["exp now", () => claim("exp", seconds), "token_expired"],
  ["exp that is negative", () => claim("exp", -1), "token_expired"],
  ["no iat", () => claim("iat", undefined), "token_invalid"],
  ["iat as a text", () => claim("iat", "now"), "token_invalid"],
  [
    "iat of tomorrow",
    () => tokenOf(key, { ...good, iat: seconds + 86_400, exp: seconds + 87_000 }),
    "token_not_yet_valid",
  ],
  ["iat that is negative", () => claim("iat", -1), "token_invalid"],
  ["a lifetime over the limit", () => claim("exp", seconds + 3_541), "token_lifetime"],
  ["nbf to come", () => claim("nbf", seconds + 6), "token_not_yet_valid"],
  ["nbf as a text", () => claim("nbf", "0"), "token_invalid"],
  ["no sub", () => claim("sub", undefined), "token_invalid"],
  ["sub that is empty", () => claim("sub", ""), "token_invalid"],
  ["sub with a line break", () => claim("sub", "a\nb"), "token_invalid"],
  ["jti that is a number", () => claim("jti", 1), "token_invalid"],
  ["aud twice", () => text(`"aud":"${agents}"`), "token_invalid"],
  ["repository twice", () => text('"repository":"acme/shop"'), "token_invalid"],
  ["repository twice, by another case", () => text('"Repository":"acme/other"'), "token_invalid"],
  ["repository twice, by an escape", () => text('"repositor\\u0079":"acme/shop"'), "token_invalid"],
  ["__proto__ among the claims", () => text('"__proto__":{"x":1}'), "token_invalid"],
  ["claims after claims", () => tokenOf(key, `${JSON.stringify(good)}{}`), "token_invalid"],
  ["claims that are a list", () => tokenOf(key, "[]"), "token_invalid"],
  ["claims with a byte order mark", () => tokenOf(key, `\ufeff${JSON.stringify(good)}`), "token_invalid"],
  ["another repository", () => claim("repository", "acme/attacker"), "token_condition"],
  ["a repository with the right beginning", () => claim("repository", "acme/shop-attacker"), "token_condition"],
  ["a condition's claim that is missing", () => claim("ref_protected", undefined), "token_condition"],
  ["a condition's claim that is a text", () => claim("ref_protected", "true"), "token_condition"],
  ["a session that is missing", () => claim("run_id", undefined), "token_condition"],
  ["a session that is an object", () => claim("run_id", { id: 1 }), "token_condition"],
  ["an initiator that is a list", () => claim("actor", ["alice"]), "token_condition"],
  [
    "an address that is not verified",
    () => tokenOf(key, { ...good, aud: people, email_verified: false }),
    "token_condition",
    "people",
  ],
  [
    "an address of which nothing is said",
    () => tokenOf(key, { ...good, aud: people, email_verified: undefined }),
    "token_condition",
    "people",
  ],
  ["no address", () => tokenOf(key, { ...good, aud: people, email: undefined }), "token_condition", "people"],
  ["an agent that is disabled", () => claim("repository", "acme/retired"), "agent_disabled"],
  ["an agent that is not registered", () => claim("repository", "acme/unregistered"), "agent_unknown"],
  [
    "claims of another token",
    () => [parts()[0], claim("sub", "x").split(".")[1], parts()[2]].join("."),
    "token_invalid",
  ],
  [
    "signature of another token",
    () => [...parts().slice(0, 2), claim("sub", "x").split(".")[2]].join("."),
    "token_invalid",
  ],
  ["signature cut short", () => tokenOf(key, good).slice(0, -4), "token_invalid"],
  ["signature longer", () => `${tokenOf(key, good)}AAAA`, "token_invalid"],
  ["header and claims only", () => parts().slice(0, 2).join("."), "credential_malformed"],
  ["five parts", () => `${tokenOf(key, good)}.a.b`, "credential_malformed"],
  ["padding", () => `${tokenOf(key, good)}==`, "credential_malformed"],
  ["padding inside", () => parts().join("=."), "credential_malformed"],
  ["spare bits in the claims", () => spare(), "credential_malformed"],
  ["over 8 KiB", () => claim("note", "x".repeat(8_192)), "credential_malformed"],
  [
    "over 8 KiB, as a person's",
    () => tokenOf(key, { ...good, aud: people, note: "x".repeat(8_192) }),
    "credential_malformed",
    "people",
  ],
  [
    "over 16 KiB, exchanged",
    () => tokenOf(key, { ...good, aud: exchange, note: "x".repeat(16_384) }),
    "credential_malformed",
    "exchange",
  ],
  ["nested too deeply", () => claim("note", JSON.parse(`${"[".repeat(40)}${"]".repeat(40)}`)), "token_invalid"],
];

/** A header as text, under which the signature would hold. */
function twice(header: string): string {
  const input = [header, JSON.stringify(good)].map((part) => Buffer.from(part).toString("base64url")).join(".");
  return `${input}.${key.sign(Buffer.from(input)).toString("base64url")}`;
}

/** The same bytes as claims in another spelling: bits that the last character has too many. */
function spare(): string {
  for (let pad = 0; ; pad++) {
    const [header, payload] = tokenOf(key, { ...good, note: "x".repeat(pad) }).split(".") as [string, string];
    if (payload.length % 4 === 0) continue;
    const input = `${header}.${payload.slice(0, -1)}${String.fromCharCode(payload.charCodeAt(payload.length - 1) + 1)}`;
    return `${input}.${key.sign(Buffer.from(input)).toString("base64url")}`;
  }
}

function ourSignature(): string {
  return compact({ alg: "EdDSA", typ: "at+jwt", kid: ours.key.kid }, good, (input) => ours.key.sign(input));
}

function ourToken(): Promise<string> {
  const { issuerUrl: issuer, audience, maxTtlMs } = local;
  const agent = { id: "deploy-manager" };
  return issueToken({
    key: ours.key,
    issuer,
    audience,
    agent,
    ttlMs: 60_000,
    maxTtlMs,
    now,
    id: "jti-1",
    scope: "*:*",
  });
}

// While the old key was there its tokens held; they are remembered.
await writeFile(place, JSON.stringify(jwks(retiredKey)));
await use.agents(withOld());
await writeFile(place, published);
at.ms += 1_000;
