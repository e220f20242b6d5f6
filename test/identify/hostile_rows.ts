import { generateKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import {
  forge,
  goodClaims,
  goodHeader,
  issuers,
  neverRevoked,
  seconds,
  unsigned,
  withEd25519,
  withHmac,
} from "./fixture.js";

/** What the tokens are checked by; the one with the id `revoked` was revoked. */
export const fixture = await issuers();
fixture.context.revocations = { ...neverRevoked, isRevoked: (jti) => jti === "revoked" };
const stranger = await signingKeyOf(generateKey("OKP", "issuer"));

/** A token that would hold but for what the two callbacks change. */
function spoil(header: (good: Record<string, unknown>) => object, claims: object | string = goodClaims): string {
  return forge(header(goodHeader(fixture.key)), claims, (input) => fixture.key.sign(input));
}
const claim = (name: string, value: unknown) => spoil((h) => h, { ...goodClaims, [name]: value });
const headed = (more: object) => spoil((h) => ({ ...h, ...more }));
/** JSON text of the good claims with one member written by hand. */
const claimText = (name: string, text: string) =>
  spoil((h) => h, JSON.stringify({ ...goodClaims, [name]: "@" }).replace('"@"', text));
/** The good claims as JSON, with text put in. */
const moreText = (more: string) => spoil((h) => h, JSON.stringify(goodClaims).replace(/}$/, `,${more}}`));
/** The token that every row spoils. */
export const good = () => spoil((h) => h);
const parts = () => good().split(".") as [string, string, string];
const publicPem = () => fixture.key.verifyKey.export({ format: "pem", type: "spki" });
const publicX = () => Buffer.from(String(fixture.key.publicJwk()?.x), "base64url");
const unsignedAs = (alg: string) => forge({ ...goodHeader(fixture.key), alg }, goodClaims, unsigned);
const hmac = (secret: string | Buffer) =>
  forge({ ...goodHeader(fixture.key), alg: "HS256" }, goodClaims, withHmac(secret));
const strange = (header: object) =>
  forge({ ...goodHeader(fixture.key), ...header }, goodClaims, withEd25519(stranger.signKey));

/** What is wrong with a token of ours, one that has that, and the reason of the refusal. */
export const hostile: [string, () => string, string][] = [
  ["alg none, unsigned", () => unsignedAs("none"), "token_invalid"],
  ["alg None, unsigned", () => unsignedAs("None"), "token_invalid"],
  ["alg none, with a signature", () => headed({ alg: "none" }), "token_invalid"],
  ["right alg, no signature", () => unsignedAs("EdDSA"), "token_invalid"],
  ["HMAC under the public key as PEM", () => hmac(publicPem()), "token_invalid"],
  ["HMAC under the public key's bytes", () => hmac(publicX()), "token_invalid"],
  ["HMAC under nothing", () => hmac(""), "token_invalid"],
  ["alg of the other key", () => headed({ alg: "ES256" }), "token_invalid"],
  ["alg that is no string", () => headed({ alg: ["EdDSA"] }), "token_invalid"],
  ["no alg", () => headed({ alg: undefined }), "token_invalid"],
  ["signed by a stranger under our kid", () => strange({}), "token_invalid"],
  ["signed by a stranger under no kid", () => strange({ kid: undefined }), "token_invalid"],
  ["embedded key", () => strange({ kid: undefined, jwk: stranger.publicJwk() }), "token_invalid"],
  ["embedded key, our signature", () => headed({ jwk: fixture.key.publicJwk() }), "token_invalid"],
  ["jku", () => headed({ jku: "https://attacker.example/jwks" }), "token_invalid"],
  ["x5u", () => headed({ x5u: "https://attacker.example/x5u" }), "token_invalid"],
  ["x5c", () => headed({ x5c: ["AAAA"] }), "token_invalid"],
  ["unknown crit", () => headed({ crit: ["future"], future: 1 }), "token_invalid"],
  ["crit of nothing", () => headed({ crit: [] }), "token_invalid"],
  ["unencoded payload", () => headed({ b64: false, crit: ["b64"] }), "token_invalid"],
  ["kid that is a path", () => headed({ kid: "../../dev/null" }), "token_invalid"],
  ["kid that is a query", () => headed({ kid: "' or '1'='1" }), "token_invalid"],
  ["kid __proto__", () => headed({ kid: "__proto__" }), "token_invalid"],
  ["kid that is no string", () => headed({ kid: 0 }), "token_invalid"],
  ["kid null", () => headed({ kid: null }), "token_invalid"],
  ["no typ", () => headed({ typ: undefined }), "token_invalid"],
  ["typ JWT", () => headed({ typ: "JWT" }), "token_invalid"],
  ["an override token", () => headed({ typ: "override+jwt" }), "token_invalid"],
  ["an approval answer", () => headed({ typ: "approval-answer+jwt" }), "token_invalid"],
  ["no iss", () => claim("iss", undefined), "token_invalid"],
  ["other iss", () => claim("iss", "http://127.0.0.1:9193"), "token_wrong_issuer"],
  ["iss with a slash more", () => claim("iss", `${goodClaims.iss}/`), "token_wrong_issuer"],
  ["iss that is a list", () => claim("iss", [goodClaims.iss]), "token_wrong_issuer"],
  ["no aud", () => claim("aud", undefined), "token_invalid"],
  ["other aud", () => claim("aud", "countersign-override"), "token_wrong_audience"],
  ["aud that only starts like ours", () => claim("aud", "countersign "), "token_wrong_audience"],
  ["empty aud", () => claim("aud", []), "token_wrong_audience"],
  ["aud with a number beside ours", () => claim("aud", ["countersign", 1]), "token_invalid"],
  ["no exp", () => claim("exp", undefined), "token_invalid"],
  ["exp null", () => claim("exp", null), "token_invalid"],
  ["exp as a string", () => claim("exp", String(goodClaims.exp)), "token_invalid"],
  ["exp NaN", () => claim("exp", "NaN"), "token_invalid"],
  ["exp 1e400", () => claimText("exp", "1e400"), "token_invalid"],
  ["exp in milliseconds", () => claim("exp", seconds * 1000), "token_lifetime"],
  ["past exp", () => claim("exp", seconds - 1), "token_expired"],
  ["negative exp", () => claim("exp", -1), "token_expired"],
  ["no iat", () => claim("iat", undefined), "token_invalid"],
  ["iat as a string", () => claim("iat", "now"), "token_invalid"],
  ["negative iat", () => claim("iat", -1), "token_invalid"],
  ["iat of tomorrow", () => claim("iat", seconds + 86_400), "token_not_yet_valid"],
  ["lifetime over the limit", () => claim("exp", seconds + 3541), "token_lifetime"],
  ["nbf to come", () => claim("nbf", seconds + 1), "token_not_yet_valid"],
  ["nbf as a string", () => claim("nbf", "0"), "token_invalid"],
  ["no sub", () => claim("sub", undefined), "token_invalid"],
  ["empty sub", () => claim("sub", ""), "token_invalid"],
  ["sub that is a list", () => claim("sub", ["deploy-manager"]), "token_invalid"],
  ["sub of nobody", () => claim("sub", "nobody"), "agent_unknown"],
  ["sub *", () => claim("sub", "*"), "agent_unknown"],
  ["sub __proto__", () => claim("sub", "__proto__"), "agent_unknown"],
  ["sub of a disabled agent", () => claim("sub", "retired"), "agent_disabled"],
  ["no jti", () => claim("jti", undefined), "token_invalid"],
  ["scope as a list", () => claim("scope", ["*:*"]), "token_invalid"],
  ["session that is no string", () => claim("session_id", { id: "x" }), "token_invalid"],
  ["session with a brace and a space", () => claim("session_id", "a} {b"), "token_invalid"],
  ["initiator with a line break", () => claim("initiated_by", "a\r\nb"), "token_invalid"],
  ["facts that are a list", () => claim("facts", [true]), "token_invalid"],
  ["facts with an infinite number", () => claimText("facts", '{"n":1e400}'), "token_invalid"],
  ["session that names the open one of another agent", () => claim("session_id", "open:plain"), "token_invalid"],
  ["task that is a list", () => claim("task", ["shop"]), "token_invalid"],
  ["task with a restriction that is not known", () => claim("task", { region: ["eu"] }), "token_invalid"],
  ["task that permits nothing", () => claim("task", { service: [] }), "token_invalid"],
  ["task with a text for a list", () => claim("task", { service: "shop" }), "token_invalid"],
  ["task with an empty text", () => claim("task", { image: [""] }), "token_invalid"],
  ["task null", () => claim("task", null), "token_invalid"],
  ["task of 65 texts", () => claim("task", { service: Array(65).fill("a") }), "token_invalid"],
  ["revoked", () => claim("jti", "revoked"), "token_revoked"],
  ["sub twice", () => moreText('"sub":"deploy-manager"'), "token_invalid"],
  ["scope twice, by another case", () => moreText('"Scope":"*:*"'), "token_invalid"],
  ["scope twice, by an escape", () => moreText('"\\u0073cope":"*:*"'), "token_invalid"],
  ["__proto__ among the claims", () => moreText('"__proto__":{"sub":"plain"}'), "token_invalid"],
  ["a fact twice", () => claimText("facts", '{"tests_passed":false,"tests_passed":true}'), "token_invalid"],
  ["claims that are a list", () => spoil((h) => h, "[]"), "token_invalid"],
  ["claims that are no JSON", () => spoil((h) => h, "{"), "token_invalid"],
  [
    "claims of another token",
    () => [parts()[0], claim("sub", "plain").split(".")[1], parts()[2]].join("."),
    "token_invalid",
  ],
  [
    "signature of another token",
    () => [...parts().slice(0, 2), claim("sub", "plain").split(".")[2]].join("."),
    "token_invalid",
  ],
  ["signature cut short", () => good().slice(0, -4), "token_invalid"],
  ["only two parts", () => parts().slice(0, 2).join("."), "credential_malformed"],
  ["five parts", () => `${good()}.a.b`, "credential_malformed"],
  ["empty payload", () => `${parts()[0]}..${parts()[2]}`, "credential_malformed"],
  ["padding", () => `${good()}==`, "credential_malformed"],
  ["standard base64", () => `${good()}+/`, "credential_malformed"],
  ["header that is no JSON", () => `AAAA.${parts()[1]}.${parts()[2]}`, "credential_malformed"],
  ["opaque", () => "0123456789abcdef", "credential_malformed"],
  ["over 8 KiB", () => claim("note", "x".repeat(8192)), "credential_malformed"],
];
