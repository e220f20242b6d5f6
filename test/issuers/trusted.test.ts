import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jest } from "@jest/globals";
import type { TrustedIssuers } from "../../src/issuers/issuers.js";
import { trustedIssuers } from "../../src/issuers/trusted.js";
import { Refusal } from "../../src/refusal.js";
import { agentEntry, ci, clock, entries, job, jwks, keyOf, now, seconds, tokenOf } from "./fixture.js";

const keys = { ES256: keyOf("es"), RS256: keyOf("rs", "RS256"), EdDSA: keyOf("ed", "EdDSA") };
const at = clock();
let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-trusted-"));
  file = join(folder, "jwks.json");
  await writeFile(file, JSON.stringify(jwks(...Object.values(keys))));
});
afterAll(() => rm(folder, { recursive: true }));

const trusting = (...written: object[]): TrustedIssuers =>
  trustedIssuers(entries(...written.map((more) => agentEntry(file, more))), { runtime: at.runtime });

async function reasonOf(result: Promise<unknown>): Promise<string> {
  const error = await result.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof Refusal ? `${error.reason}: ${error.detail}` : `not refused: ${error}`;
}

const people = { for: "people", agent: undefined, audience: "countersign-people" };
const exchange = { for: "exchange", audience: "countersign-exchange" };

test("an issuer is known for the uses that it has entries of", () => {
  const issuers = trusting({}, { ...people, issuer: "https://people.example" });
  expect(issuers.knows("agents", ci)).toBe(true);
  expect(issuers.knows("people", "https://people.example")).toBe(true);
  expect(issuers.knows("people", ci)).toBe(false);
  expect(issuers.knows("exchange", ci)).toBe(false);
  expect(issuers.knows("agents", `${ci}/`)).toBe(false);
});

test.each(["ES256", "RS256", "EdDSA"] as const)(
  "a token signed with %s holds where the entry names it",
  async (alg) => {
    const token = tokenOf(keys[alg]);
    const issuers = trusting({ algorithms: [alg] });
    expect(await issuers.agent(token, now)).toEqual({
      agent: "deploy-manager",
      session: {},
      facts: {},
      subject: { iss: ci, sub: job.sub, jti: job.jti, aud: job.aud, exp: job.exp },
    });
    const others = trusting({ algorithms: Object.keys(keys).filter((other) => other !== alg) });
    expect(await reasonOf(others.agent(token, now))).toMatch(/^token_invalid: /);
  },
);

test.each([undefined, "JWT", "jwt", "at+jwt", "application/at+jwt", "id_token"])("may be typed %p", async (typ) => {
  expect((await trusting({}).agent(tokenOf(keys.ES256, job, { typ }), now)).agent).toBe("deploy-manager");
});

test("may have headers that mean nothing here, several audiences, and no jti", async () => {
  const { jti: _, ...claims } = job;
  const token = tokenOf(keys.ES256, { ...claims, aud: ["other", job.aud] }, { x5t: "AAAA", cty: "x" });
  expect((await trusting({}).agent(token, now)).subject).toEqual({
    iss: ci,
    sub: job.sub,
    aud: "countersign-agents",
    exp: job.exp,
  });
});

test("clocks may be five seconds apart where a token begins, and not where it ends", async () => {
  const with_ = (more: object) => tokenOf(keys.ES256, { ...job, ...more });
  const issuers = trusting({});
  const ahead = { iat: seconds + 5, nbf: seconds + 5 };
  expect((await issuers.agent(with_(ahead), now)).agent).toBe("deploy-manager");
  expect(await reasonOf(issuers.agent(with_({ iat: seconds + 6 }), now))).toMatch(/^token_not_yet_valid/);
  expect(await reasonOf(issuers.agent(with_({ nbf: seconds + 6 }), now))).toMatch(/^token_not_yet_valid/);
  expect(await reasonOf(issuers.agent(with_({ exp: seconds }), now))).toMatch(/^token_expired/);
  expect((await issuers.agent(with_({ exp: seconds + 1 }), now)).agent).toBe("deploy-manager");
});

test("the longest lifetime is the entry's own", async () => {
  const token = tokenOf(keys.ES256);
  expect(await reasonOf(trusting({ max_ttl: "14m" }).agent(token, now))).toMatch(/^token_lifetime/);
  expect((await trusting({ max_ttl: "14m" }, { agent: "patient", max_ttl: "15m" }).agent(token, now)).agent).toBe(
    "patient",
  );
});

describe("several entries of one audience", () => {
  const shop = { agent: "shop", when: 'claims.repository == "acme/shop"' };
  const other = { agent: "other", when: 'claims.repository == "acme/other"' };
  const any = { agent: "any", when: 'claims.repository.startsWith("acme/")' };

  test("an agent is the one whose condition holds", async () => {
    const token = tokenOf(keys.ES256);
    expect((await trusting(shop, other).agent(token, now)).agent).toBe("shop");
    expect(await reasonOf(trusting(other).agent(token, now))).toMatch(/^token_condition: the token's claims are not/);
    expect(await reasonOf(trusting(shop, any).agent(token, now))).toMatch(/^token_condition: .* more than one agent/);
  });

  test("an exchange has all of them, each agent once by its first entry that holds", async () => {
    const token = tokenOf(keys.ES256, { ...job, aud: exchange.audience });
    const ones = [shop, other, { ...any, scopes: ["a:b"] }, { ...any, scopes: ["*:*"] }];
    const grants = await trusting(...ones.map((one) => ({ ...exchange, ...one }))).exchange(token, now);
    expect(grants.map(({ agent, scopes }) => [agent, scopes])).toEqual([
      ["shop", undefined],
      ["any", ["a:b"]],
    ]);
  });

  test("an entry whose claims are missing grants nothing, and is told when there is no other", async () => {
    const token = tokenOf(keys.ES256, { ...job, aud: exchange.audience });
    const lacking = { ...exchange, ...shop, claims: { role: "job_title" } };
    const grants = await trusting(lacking, { ...exchange, ...any }).exchange(token, now);
    expect(grants.map(({ agent }) => agent)).toEqual(["any"]);
    expect(await reasonOf(trusting(lacking).exchange(token, now))).toBe(
      `token_condition: the token's claim "job_title" is missing`,
    );
    // Not even by a later entry of the same agent: which one speaks for it does not depend on what is missing.
    const twice = trusting(lacking, { ...exchange, ...any, agent: "shop" });
    expect(await reasonOf(twice.exchange(token, now))).toMatch(/"job_title" is missing/);
    const direct = trusting({ ...shop, claims: { role: "job_title" } }, any);
    expect(await reasonOf(direct.agent(tokenOf(keys.ES256), now))).toMatch(/more than one agent/);
  });

  test("a person has one name by all of them", async () => {
    const mail = { email: "alice@example.com", email_verified: true };
    const token = tokenOf(keys.ES256, { ...job, aud: people.audience, ...mail });
    const byMail = { ...people, agent: undefined };
    const byActor = { ...byMail, person: "actor" };
    expect(await trusting(byMail, byActor).person(token, now)).toMatchObject({ name: "alice@example.com" });
    expect((await trusting(byMail, byActor).person(token, now)).aliases).toBeUndefined();
    expect((await trusting(byMail, { ...byActor, aliases: true }).person(token, now)).aliases).toBe(true);
    expect(await reasonOf(trusting(byMail, { ...byMail, person: "sub" }).person(token, now))).toMatch(/one person/);
  });
});

describe("a token that was verified", () => {
  const checks = jest.spyOn(globalThis.crypto.subtle, "verify");
  beforeEach(() => checks.mockClear());
  afterAll(() => checks.mockRestore());

  test("is not checked again, by agents and by people", async () => {
    const issuers = trusting({}, people);
    const agent = tokenOf(keys.ES256);
    const mail = { email: "alice@example.com", email_verified: true };
    const person = tokenOf(keys.ES256, { ...job, aud: people.audience, ...mail });
    const first = [await issuers.agent(agent, now), await issuers.person(person, now)];
    expect(checks).toHaveBeenCalledTimes(2);
    expect([await issuers.agent(agent, now), await issuers.person(person, now)]).toEqual(first);
    expect(checks).toHaveBeenCalledTimes(2);
  });

  test("is so for its one use only", async () => {
    const issuers = trusting({}, people, exchange);
    const token = tokenOf(keys.ES256);
    await issuers.agent(token, now);
    expect(await reasonOf(issuers.person(token, now))).toMatch(/^token_wrong_audience/);
    expect(await reasonOf(issuers.exchange(token, now))).toMatch(/^token_wrong_audience/);
  });

  test("still ends when it ends, and has not begun when the clock goes back", async () => {
    const issuers = trusting({});
    const token = tokenOf(keys.ES256, { ...job, nbf: seconds });
    await issuers.agent(token, now);
    expect(await reasonOf(issuers.agent(token, now + 840_000))).toMatch(/^token_expired/);
    expect(await reasonOf(issuers.agent(token, now - 6_000))).toMatch(/^token_not_yet_valid/);
    expect((await issuers.agent(token, now + 839_999)).agent).toBe("deploy-manager");
    expect(checks).toHaveBeenCalledTimes(1);
  });

  test("is checked again when other keys were read, and not when the same ones were", async () => {
    const place = join(folder, "changing.json");
    await writeFile(place, JSON.stringify(jwks(keys.ES256, keys.RS256)));
    const issuers = trustedIssuers(entries(agentEntry(place)), { runtime: at.runtime });
    const token = tokenOf(keys.ES256);
    await issuers.agent(token, now);
    await writeFile(place, JSON.stringify(jwks(keys.RS256, keys.ES256)));
    at.ms += 1_000;
    await issuers.agent(token, now);
    expect(checks).toHaveBeenCalledTimes(1);
    await writeFile(place, JSON.stringify(jwks(keys.ES256)));
    at.ms += 1_000;
    await issuers.agent(token, now);
    expect(checks).toHaveBeenCalledTimes(2);
    await writeFile(place, JSON.stringify(jwks(keys.RS256)));
    at.ms += 1_000;
    expect(await reasonOf(issuers.agent(token, now))).toMatch(/^token_invalid/);
  });

  test("lends nothing to another signature over the same claims", async () => {
    const issuers = trusting({});
    const token = tokenOf(keys.ES256);
    await issuers.agent(token, now);
    const other = tokenOf(keyOf("es"));
    expect(other.split(".").slice(0, 2)).toEqual(token.split(".").slice(0, 2));
    expect(await reasonOf(issuers.agent(other, now))).toMatch(/^token_invalid/);
  });

  test("is not remembered when it was refused", async () => {
    const issuers = trusting({ when: 'claims.repository == "acme/other"' });
    const token = tokenOf(keys.ES256);
    for (let time = 1; time <= 3; time++) {
      expect(await reasonOf(issuers.agent(token, now))).toMatch(/^token_condition/);
      expect(checks).toHaveBeenCalledTimes(time);
    }
  });
});
