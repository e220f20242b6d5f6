import { identify, identifyAtOnce } from "../../src/identify/index.js";
import { issueToken } from "../../src/identify/issue.js";
import { localIssuer } from "../../src/identify/local_issuer.js";
import type { Registry } from "../../src/registry/registry.js";
import { audience, issuers, issuerUrl, maxTtlMs, neverRevoked, now, registry } from "./fixture.js";

const fixture = await issuers();
const context = { ...fixture.context, revocations: { ...neverRevoked, fresh: () => null } };
const agent = { id: "plain" };
const terms = { issuer: issuerUrl, audience, ttlMs: 60_000, maxTtlMs, now };
const token = await issueToken({ ...terms, key: fixture.key, agent, scope: "*:*", id: "01KJMK0000000000000000JT12" });
const call = { headers: [{ name: "authorization", value: `Bearer ${token}` }] };

/** The agent as other files have it. */
function reloaded(change: object | null): Registry {
  const known = registry.agent(agent.id);
  if (!known) throw new Error("the fixture has no such agent");
  return { ...registry, agent: () => (change === null ? undefined : { ...known, ...change }) };
}

beforeAll(() => identify(call, context));

test("who brings a token that was verified before is known at once", () => {
  const known = identifyAtOnce(call, context);
  expect(known).toMatchObject({ agent: { id: "plain", scopes: ["*:*"] } });
  expect(identifyAtOnce(call, context)).toBe(known);
});

test.each([
  ["scopes", { scopes: ["deploy-api:read"] }, { id: "plain", scopes: ["deploy-api:read"] }],
  ["a model", { model: "other" }, { id: "plain", model: "other" }],
  ["roles", { roles: ["ops"] }, { id: "plain", roles: ["ops"] }],
])("%s of the files that are read next count at once", (_, change, expected) => {
  expect(identifyAtOnce(call, { ...context, registry: reloaded(change) })).toMatchObject({ agent: expected });
  expect(identifyAtOnce(call, context)).toMatchObject({ agent: { id: "plain", scopes: ["*:*"] } });
});

test.each([
  ["disabled", { disabled: true }, "agent_disabled"],
  ["gone", null, "agent_unknown"],
])("whoever is %s there is nobody", (_, change, reason) => {
  const next = { ...context, registry: reloaded(change) };
  expect(() => identifyAtOnce(call, next)).toThrow(expect.objectContaining({ reason }));
});

test("a revoked token is not remembered as a good one", () => {
  const revocations = { ...context.revocations, isRevoked: () => true };
  expect(() => identifyAtOnce(call, { ...context, revocations })).toThrow(
    expect.objectContaining({ reason: "token_revoked" }),
  );
});

test("under other keys of the issuer nothing is remembered", async () => {
  const issuer = localIssuer({ issuer: issuerUrl, audience, maxTtlMs, keys: [fixture.second] });
  expect(issuer.remembered(token, now)).toBeUndefined();
  await expect(identify(call, { ...context, issuer })).rejects.toMatchObject({ reason: "token_invalid" });
});

test("it ends with its time", () => {
  const late = { ...context, now: () => now + 3_600_000 };
  expect(() => identifyAtOnce(call, late)).toThrow(expect.objectContaining({ reason: "token_expired" }));
});
