import { SignJWT } from "jose";
import { generateKey, type SigningKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { pageSessions, type SignInProof, sessionType } from "../../src/page/session.js";
import { loadRegistry } from "../../src/registry/load.js";
import type { Person, Registry } from "../../src/registry/registry.js";
import { hash } from "../approvals/fixture.js";

const now = Date.parse("2026-03-01T14:22:00Z");
const ttlMs = 28_800_000;
const provider = "https://idp.example";
const people = (text: string): Registry => loadRegistry({ people: { file: "people.yaml", text: `people: [${text}]` } });
const alice = `{id: alice@example.com, aliases: [alice], access: [approver], tokens: [{sha256: ${hash("t")}}]}`;

const byToken: SignInProof = { by: "token", token_sha256: hash("t") };
const byMail: SignInProof = { by: "oidc", provider, name: "Alice@example.com", names: "id" };
const byAlias: SignInProof = { by: "oidc", provider, name: "alice", names: "any" };

let key: SigningKey;
let here: { registry: Registry; now: number; provider: string | null; ttlMs: number };
beforeAll(async () => {
  key = await signingKeyOf(generateKey("OKP", "approvals"));
});
beforeEach(() => {
  here = { registry: people(alice), now, provider, ttlMs };
});

const sessions = () => pageSessions({ ...here, key, registry: () => here.registry, now: () => here.now });
const opened = (proof: SignInProof) => sessions().open(here.registry.person("alice@example.com") as Person, proof);

test.each([byToken, byMail, byAlias])("a session holds for its time: %j", async (proof) => {
  const { token, csrf } = opened(proof);
  expect(await sessions().read(token)).toMatchObject({ person: { id: "alice@example.com" }, csrf });
  here.now += ttlMs - 1;
  expect(await sessions().read(token)).not.toBeNull();
  here.now += 1;
  expect(await sessions().read(token)).toBeNull();
});

test("each session has its own word, and neither it nor the token is the secret", () => {
  const [one, two] = [opened(byToken), opened(byToken)];
  expect(one.csrf).not.toBe(two.csrf);
  expect(Buffer.from(one.csrf, "base64url")).toHaveLength(32);
  const payload = Buffer.from(one.token.split(".")[1] ?? "", "base64url").toString();
  expect(JSON.parse(payload)).toMatchObject({ token_sha256: hash("t") });
  expect(payload).not.toContain('"t"');
});

test("a time that was shortened since holds for earlier sessions too", async () => {
  const { token } = opened(byToken);
  here.ttlMs = 60_000;
  here.now += 60_000;
  expect(await sessions().read(token)).toBeNull();
});

const carol = `{id: carol@example.com, access: [approver], tokens: [{sha256: ${hash("u")}}]}`;
test.each<[string, SignInProof, string, boolean]>([
  ["the token is taken away", byToken, "{id: alice@example.com, access: [approver]}", false],
  [
    "the token is replaced",
    byToken,
    `{id: alice@example.com, access: [approver], tokens: [{sha256: ${hash("u")}}]}`,
    false,
  ],
  ["the token is somebody else's now", byToken, `{id: bob@example.com, tokens: [{sha256: ${hash("t")}}]}`, false],
  ["the person is gone", byToken, carol, false],
  ["the person is gone", byMail, carol, false],
  ["another token is added", byToken, alice.replace("tokens: [", `tokens: [{sha256: ${hash("v")}}, `), true],
  ["all tokens are gone", byMail, "{id: alice@example.com}", true],
  ["the alias is gone", byAlias, "{id: alice@example.com}", false],
  [
    "the alias is somebody else's",
    byAlias,
    "{id: alice@example.com}, {id: mallory@example.com, aliases: [alice]}",
    false,
  ],
])("when %s (%j)", async (_what, proof, text, holds) => {
  const { token } = opened(proof);
  here.registry = people(text);
  expect((await sessions().read(token)) !== null).toBe(holds);
});

test("access is what it is now", async () => {
  const { token } = opened(byToken);
  here.registry = people(alice.replace("approver", "viewer"));
  expect((await sessions().read(token))?.person.access).toEqual(["viewer"]);
});

test.each([null, "https://other.example"])("with %p in place of the provider", async (other) => {
  const [mail, token] = [opened(byMail).token, opened(byToken).token];
  here.provider = other;
  expect(await sessions().read(mail)).toBeNull();
  expect(await sessions().read(token)).not.toBeNull();
});

describe("what is no session", () => {
  const claims = { sub: "alice@example.com", csrf: "c", by: "token", token_sha256: hash("t") };
  const made = (more: object, header: object = {}) =>
    new SignJWT({ iss: "countersign", aud: "urn:countersign:page-session", ...claims, ...more })
      .setProtectedHeader({ alg: key.alg, typ: sessionType, ...header })
      .sign(key.signKey);
  const times = { iat: now / 1000, exp: now / 1000 + 60 };

  test("but this one is", async () => {
    expect(await sessions().read(await made(times))).not.toBeNull();
  });

  test.each<[string, object, object]>([
    ["a link", { ...times, aud: "urn:countersign:approval-link" }, { typ: "approval-link+jwt" }],
    ["an override token", { ...times, aud: "urn:countersign:override" }, { typ: "override+jwt" }],
    ["of another type alone", times, { typ: "JWT" }],
    ["of another audience alone", { ...times, aud: "urn:countersign:override" }, {}],
    ["without end", { iat: times.iat }, {}],
    ["without a word", { ...times, csrf: "" }, {}],
    ["by something new", { ...times, by: "magic" }, {}],
    ["by a token that is not hers", { ...times, token_sha256: hash("u") }, {}],
    ["with a header that nobody knows", times, { crit: ["x"], x: 1 }],
    ["too large", { ...times, more: "x".repeat(4_000) }, {}],
  ])("%s", async (_what, more, header) => {
    const token = await made(more, header).catch(() => "crit");
    expect(await sessions().read(token)).toBeNull();
  });

  test("one by another key, or changed", async () => {
    const other = await signingKeyOf(generateKey("OKP", "approvals"));
    const theirs = pageSessions({ ...here, key: other, registry: () => here.registry, now: () => now });
    const { token } = theirs.open(here.registry.person("alice@example.com") as Person, byToken);
    expect(await sessions().read(token)).toBeNull();
    const [head, , signature] = opened(byToken).token.split(".");
    const payload = Buffer.from(JSON.stringify({ ...claims, ...times, sub: "root" })).toString("base64url");
    expect(await sessions().read(`${head}.${payload}.${signature}`)).toBeNull();
  });
});
