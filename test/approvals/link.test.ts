import { SignJWT } from "jose";
import { issueLink, linkType, maxLinkMs, verifyLink } from "../../src/approvals/link.js";
import { generateKey, type SigningKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";

const now = Date.parse("2026-03-01T14:22:00Z");
const kinds = ["oct", "OKP", "EC"] as const;
let key: SigningKey;
beforeAll(async () => {
  key = await signingKeyOf(generateKey("OKP", "approvals"));
});

test.each(kinds)("a link by a key of type %s opens what it was made for, until its end", async (kind) => {
  const one = await signingKeyOf(generateKey(kind, "approvals"));
  const token = issueLink(one, { id: "apr_1", agent: "a" }, 60_000, now);
  expect(await verifyLink(one, token, now)).toEqual({ id: "apr_1", agent: "a", expiresAtMs: now + 60_000 });
  expect(await verifyLink(one, token, now + 59_999)).not.toBeNull();
  expect(await verifyLink(one, token, now + 60_000)).toBeNull();
});

test("it ends with the approval, and within a day", async () => {
  const early = issueLink(key, { id: "apr_1", expiresAtMs: now + 5_000 }, 60_000, now);
  expect(await verifyLink(key, early, now)).toEqual({ id: "apr_1", expiresAtMs: now + 5_000 });
  const late = issueLink(key, { id: "apr_1" }, 30 * maxLinkMs, now);
  expect((await verifyLink(key, late, now))?.expiresAtMs).toBe(now + maxLinkMs);
  const over = issueLink(key, { id: "apr_1", expiresAtMs: now - 5_000 }, 60_000, now);
  expect(await verifyLink(key, over, now)).toBeNull();
});

describe("what is no link of ours", () => {
  const good = { aud: "urn:countersign:approval-link", iss: "countersign", sub: "apr_1" };
  const seconds = now / 1000;
  const times = { iat: seconds, exp: seconds + 60 };
  const made = (claims: object, header: object = {}) =>
    new SignJWT({ ...good, ...times, ...claims })
      .setProtectedHeader({ alg: key.alg, typ: linkType, ...header })
      .sign(key.signKey);

  test("but this one is", async () => {
    expect(await verifyLink(key, await made({}), now)).toMatchObject({ id: "apr_1" });
  });

  test.each<[string, object, object]>([
    ["of another audience", { aud: "urn:countersign:override" }, {}],
    ["of another issuer", { iss: "elsewhere" }, {}],
    ["of another type", {}, { typ: "override+jwt" }],
    ["a session", { aud: "urn:countersign:page-session" }, { typ: "page-session+jwt" }],
    ["without end", { exp: undefined }, {}],
    ["without beginning", { iat: undefined }, {}],
    ["that began long ago", { iat: seconds - 2 * 86_400 }, {}],
    ["of no approval", { sub: undefined }, {}],
    ["of a list of approvals", { sub: ["apr_1"] }, {}],
    ["of an endless name", { sub: "x".repeat(65) }, {}],
    ["with an odd agent", { agent: 7 }, {}],
    ["too long", { more: "x".repeat(4_000) }, {}],
  ])("%s", async (_what, claims, header) => {
    expect(await verifyLink(key, await made(claims, header), now)).toBeNull();
  });

  test("one of another key, of none, changed, or no token at all", async () => {
    const other = await signingKeyOf(generateKey("OKP", "approvals"));
    const token = issueLink(other, { id: "apr_1" }, 60_000, now);
    const [, payload, signature] = token.split(".");
    const none = Buffer.from(JSON.stringify({ alg: "none", typ: linkType })).toString("base64url");
    for (const text of [token, `${none}.${payload}.`, `${none}.${payload}.${signature}`, "", "x", "a.b.c", "\u0000"]) {
      expect(await verifyLink(key, text, now)).toBeNull();
    }
    const own = issueLink(key, { id: "apr_1" }, 60_000, now);
    expect(await verifyLink(key, `${own.slice(0, -4)}AAAA`, now)).toBeNull();
  });
});
