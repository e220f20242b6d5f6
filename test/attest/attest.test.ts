import { issueOverride } from "../../src/approvals/override_token.js";
import { type AttestParts, attest, overrideHeader } from "../../src/attest/index.js";
import type { Identity } from "../../src/call.js";
import { generateKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { Refusal } from "../../src/refusal.js";
import { call } from "../approvals/fixture.js";

const key = await signingKeyOf(generateKey("OKP", "approvals"));
const stranger = await signingKeyOf(generateKey("OKP", "approvals"));
const nowMs = Date.parse("2026-03-01T12:00:00Z");

const bot: Identity = {
  agent: { id: "bot", scopes: ["deploy-api:*"], roles: [] },
  credential: "bearer_jwt",
  credentialHeader: "authorization",
  session: {},
  facts: {},
};
const run = async (more: Partial<AttestParts> = {}) =>
  attest({
    identity: bot,
    session: { id: "open:bot", bound: false },
    call,
    fingerprintOf: (session) => `of ${session}`,
    approvalKey: key,
    readAttestation: () => {
      throw new Refusal("attestation_invalid", "no attestation holds here");
    },
    attestationRequired: false,
    nowMs,
    ...more,
  });
const reasonOf = (more: Partial<AttestParts>) =>
  run(more).then(
    () => "none",
    (error: unknown) => (error instanceof Refusal ? error.reason : Promise.reject(error)),
  );
const bringing = (...tokens: string[]) => ({
  call: { ...call, http: { ...call.http, headers: tokens.map((value) => ({ name: overrideHeader, value })) } },
});

test("a call that brings nothing has its fingerprint, in its session", async () => {
  expect(await run()).toEqual({ fingerprint: "of open:bot", override: null, brought: { refusal: null } });
  expect((await run({ session: { id: "s-1", bound: true } })).fingerprint).toBe("of s-1");
});

describe("scopes", () => {
  const scoped = (...scopes: string[]): Identity => ({ ...bot, agent: { ...bot.agent, scopes } });

  test.each([
    [["deploy-api:deploy"], "none"],
    [["deploy-api:*"], "none"],
    [["*:*"], "none"],
    [["aws:*", "*:deploy"], "none"],
    [[], "scope_exceeded"],
    [["deploy-api"], "scope_exceeded"],
    [["*"], "scope_exceeded"],
    [["deploy-api:destroy", "aws:deploy"], "scope_exceeded"],
    [["deploy-api:dep*"], "scope_exceeded"],
  ])("%j: %s", async (scopes, reason) => {
    expect(await reasonOf({ identity: scoped(...scopes) })).toBe(reason);
  });

  test("do not speak of a call that no tool matches", async () => {
    expect(await reasonOf({ identity: scoped(), call: { ...call, tool: null, action: null } })).toBe("none");
  });

  test("are checked before the override token", async () => {
    expect(await reasonOf({ identity: scoped(), ...bringing("nonsense") })).toBe("scope_exceeded");
  });
});

describe("the override token", () => {
  const approval = {
    id: "apr_1",
    agent: "bot",
    session: "open:bot",
    fingerprint: "of open:bot",
    expiresAtMs: nowMs + 60_000,
  };
  const token = (more: Partial<typeof approval> = {}, by = key) => issueOverride(by, { ...approval, ...more });

  test("of this very call is kept for later stages", async () => {
    const good = await token();
    expect((await run(bringing(good))).override).toEqual({ approvalId: "apr_1", token: good });
  });

  test("of another call is passed over, so that people are asked again", async () => {
    expect((await run(bringing(await token({ fingerprint: "of another" })))).override).toBeNull();
  });

  test.each([
    ["of another agent", () => token({ agent: "other" }), "override_invalid"],
    ["of another session", () => token({ session: "s-1" }), "override_invalid"],
    ["of another key", () => token({}, stranger), "override_invalid"],
    ["that has expired", () => token({ expiresAtMs: nowMs }), "override_expired"],
    ["that is none", async () => "nonsense", "override_invalid"],
    ["that is empty", async () => "", "override_invalid"],
  ])("%s is refused", async (_, made, reason) => {
    expect(await reasonOf(bringing(await made()))).toBe(reason);
  });

  test("twice is refused, though both hold", async () => {
    const good = await token();
    expect(await reasonOf(bringing(good, good))).toBe("override_invalid");
  });
});
