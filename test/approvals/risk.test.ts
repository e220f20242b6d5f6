import { riskOf } from "../../src/approvals/risk.js";
import { StoreUnavailable } from "../../src/store/store.js";
import { remember } from "../attestation/remember.js";
import { hash, person, session, type World, world } from "./fixture.js";

let here: World;
let id: string;
beforeEach(async () => {
  here = await world();
  id = await here.open();
});

const risk = async () => riskOf(await here.stored(id), here);
const answered = async (by: string, decision: "approve" | "deny") => {
  const other = await here.open();
  await here.service.answer(other, person(by), { decision });
  return other;
};

test("nothing known is told as nothing known", async () => {
  expect(await risk()).toEqual({
    rules: ["allowed_environments"],
    environment: "production",
    cost: 2.5,
    session: null,
    history: {
      looked: 0,
      approved: 0,
      denied: 0,
      expired: 0,
      pending: 0,
      same_action: { approved: 0, denied: 0, last_at: null },
    },
  });
});

test("the session as it is now", async () => {
  await remember(here.store, { agent: "deploy-manager", session: session.id, classification: ["pii"] });
  expect((await risk()).session).toMatchObject({
    id: session.id,
    integrity: "clean",
    data_classification: ["pii"],
    calls: 1,
    refused: 0,
  });
  await remember(here.store, {
    agent: "deploy-manager",
    session: session.id,
    indicators: ["prompt_injection", "scope_exceeded"],
  });
  const worse = (await risk()).session;
  expect(worse).toMatchObject({ integrity: "compromised", calls: 2 });
  expect(worse?.anomalies).toBeGreaterThanOrEqual(2);
});

test("what became of the agent's other approvals", async () => {
  await answered("bob", "approve");
  here.nowMs += 60_000;
  await answered("carol@example.com", "deny");
  here.nowMs += 60_000;
  await here.open();
  await here.open({ agent: "other-agent" });
  const { history } = await risk();
  expect(history).toEqual({
    looked: 3,
    approved: 1,
    denied: 1,
    expired: 0,
    pending: 1,
    same_action: { approved: 1, denied: 1, last_at: "2026-03-01T14:23:00.000Z" },
  });
  here.nowMs += 900_000;
  expect((await risk()).history).toMatchObject({ expired: 2, pending: 0 });
});

test("one that was used had been approved", async () => {
  const other = await here.open({ fingerprint: hash("used") });
  await here.service.answer(other, person("bob"), { decision: "approve" });
  const redeem = { kind: "redeem", id: other, fingerprint: hash("used") } as const;
  await here.store.settle({ agent: "deploy-manager", key: "again", enforced: {}, approval: redeem });
  expect((await here.stored(other)).status).toBe("consumed");
  expect((await risk()).history).toMatchObject({ approved: 1, same_action: { approved: 1 } });
});

test("another tool, action or environment is not the same action", async () => {
  const approval = await here.stored(id);
  await answered("bob", "approve");
  const call = approval.call as Record<string, string>;
  for (const change of [{ tool: "x" }, { action: "x" }, { environment: "x" }, { environment: null }]) {
    const other = { ...approval, call: { ...call, ...change } };
    expect((await riskOf(other, here)).history).toMatchObject({ approved: 1, same_action: { approved: 0 } });
  }
});

test("a rule that is broken several times is one rule", async () => {
  const approval = await here.stored(id);
  const [first] = approval.violations;
  const more = { rule: "max_replicas", message: "more" };
  const violations = first ? [first, more, { ...more, param: "x" }] : [];
  expect((await riskOf({ ...approval, violations }, here)).rules).toEqual(["allowed_environments", "max_replicas"]);
});

test.each(["look", "approvals"] as const)("where the store cannot tell (%s), there is no answer", async (method) => {
  Object.assign(here.store, {
    [method]: async () => {
      throw new StoreUnavailable("gone");
    },
  });
  await expect(risk()).rejects.toThrow(StoreUnavailable);
  await expect(here.service.show(id, { kind: "person", person: person("bob") })).rejects.toThrow(StoreUnavailable);
  await expect(here.service.notice(id, "deploy-manager")).rejects.toThrow(StoreUnavailable);
});

describe("who is told", () => {
  test("people and who opened a link, not the agent", async () => {
    const bob = await here.service.show(id, { kind: "person", person: person("bob") });
    expect(bob?.risk).toMatchObject({ cost: 2.5 });
    expect((await here.service.show(id, { kind: "link", link: { id } }))?.risk).toEqual(bob?.risk);
    expect((await here.service.show(id, { kind: "link", link: { id, agent: "deploy-manager" } }))?.risk).toBeDefined();
    const own = await here.service.show(id, { kind: "agent", agent: "deploy-manager", session: session.id });
    expect(own).not.toHaveProperty("risk");
  });

  test("a link shows its own approval only", async () => {
    const other = await here.open();
    expect(await here.service.show(other, { kind: "link", link: { id } })).toBeNull();
    expect(await here.service.show(id, { kind: "link", link: { id, agent: "other-agent" } })).toBeNull();
  });

  test("notifiers, of what was opened here", async () => {
    const notice = await here.service.notice(id, "deploy-manager");
    expect(notice?.approval).toMatchObject({ id, status: "pending" });
    expect(notice?.risk).toMatchObject({ cost: 2.5 });
    expect(await here.service.notice("apr_0", "deploy-manager")).toBeNull();
    const tampered = await world((approval) => ({ ...approval, reason: "harmless" }));
    expect(await tampered.service.notice(await tampered.open(), "deploy-manager")).toBeNull();
    expect(tampered.troubles).toHaveLength(1);
  });

  test("an approval that somebody put into the store is no history", async () => {
    let forged = "";
    const tampered = await world((one) => (one.id === forged ? { ...one, reason: "harmless" } : one));
    const shown = await tampered.open();
    forged = await tampered.open();
    const view = await tampered.service.show(shown, { kind: "person", person: person("bob") });
    expect(view?.risk?.history.looked).toBe(0);
  });
});
