import { type Charge, idempotencyMs, type KnownCounters, type SettleResult } from "../../src/store/store.js";
import { callOf, draftOf, knownOf, open, redeem, type Subject, unique } from "./subject.js";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const hourly = (burst: number) => ({ intervalUs: hourMs * 1000, burst });
const daily = (limitMicro: number, costMicro: number): Charge => ({ budget: { limitMicro, costMicro } });
const ofSession = (session: string, limitMicro: number, costMicro: number): Charge => ({
  sessionBudget: { session, limitMicro, costMicro, ttlMs: 2 * hourMs },
});

/** Rates of a tool, budgets of a session, warnings, usage, and counters that were lost. */
export function countingConformance(subject: () => Subject): void {
  const settle = (agent: string, charge: Charge, more = {}): Promise<SettleResult> =>
    subject().store.settle(callOf(agent, charge, more));
  const outcomeOf = async (agent: string, charge: Charge) => (await settle(agent, charge)).enforced;

  test("each tool has a rate of its own beside the agent's, and none takes from another that refuses", async () => {
    const agent = unique("agent");
    const call = (tool: string): Charge => ({ rate: hourly(3), toolRate: { ...hourly(1), tool } });
    expect(await outcomeOf(agent, call("a"))).toEqual({ outcome: "ok" });
    expect(await outcomeOf(agent, call("a"))).toMatchObject({ outcome: "rate_exceeded", limit: "tool_rate" });
    expect(await outcomeOf(agent, call("__proto__"))).toEqual({ outcome: "ok" });
    expect(await outcomeOf(agent, call("c"))).toEqual({ outcome: "ok" });
    expect(await outcomeOf(agent, call("d"))).toMatchObject({ outcome: "rate_exceeded", limit: "rate" });
    await subject().advance(agent, hourMs);
    // Had the refused calls taken from the agent's rate, this one would be refused.
    expect(await outcomeOf(agent, call("d"))).toEqual({ outcome: "ok" });
    expect(await outcomeOf(unique("agent"), call("a"))).toEqual({ outcome: "ok" });
  });

  test("a tool's rate outlives an agent's rate that is free again", async () => {
    const agent = unique("agent");
    const slow: Charge = { toolRate: { intervalUs: 10 * hourMs * 1000, burst: 1, tool: "slow" } };
    expect(await outcomeOf(agent, slow)).toEqual({ outcome: "ok" });
    expect(await outcomeOf(agent, { rate: { intervalUs: 1000, burst: 1 } })).toEqual({ outcome: "ok" });
    await subject().advance(agent, hourMs);
    expect(await outcomeOf(agent, slow)).toMatchObject({ outcome: "rate_exceeded", limit: "tool_rate" });
  });

  test("a session's budget is that session's, and goes on over midnight until the session is forgotten", async () => {
    const agent = unique("agent");
    const [one, other] = [unique("session"), unique("a}b{:☃")];
    expect(await outcomeOf(agent, ofSession(one, 10, 6))).toEqual({ outcome: "ok" });
    expect(await outcomeOf(agent, ofSession(other, 10, 6))).toEqual({ outcome: "ok" });
    expect(await outcomeOf(agent, ofSession(one, 10, 5))).toMatchObject({
      outcome: "budget_exceeded",
      limit: "session_budget",
      spentMicro: 6,
    });
    expect(await outcomeOf(unique("agent"), ofSession(one, 10, 6))).toEqual({ outcome: "ok" });
    await subject().advance(agent, hourMs);
    expect(await outcomeOf(agent, ofSession(one, 10, 4))).toEqual({ outcome: "ok" });
    await subject().advance(agent, 1.5 * hourMs);
    const refused = await outcomeOf(agent, ofSession(one, 10, 1));
    expect(refused).toMatchObject({ limit: "session_budget", spentMicro: 10 });
    const retryAfterMs = refused.outcome === "budget_exceeded" ? refused.retryAfterMs : Number.NaN;
    expect(retryAfterMs).toBeLessThanOrEqual(hourMs / 2);
    expect(retryAfterMs).toBeGreaterThanOrEqual(hourMs / 2 - subject().driftMs());
    await subject().advance(agent, hourMs);
    expect(await outcomeOf(agent, ofSession(one, 10, 10))).toEqual({ outcome: "ok" });
  });

  test("what one of four limits refuses is taken from none", async () => {
    const agent = unique("agent");
    const session = unique("session");
    const all = (daily: number, spent: number): Charge => ({
      rate: hourly(2),
      toolRate: { ...hourly(2), tool: "a" },
      budget: { limitMicro: 10, costMicro: daily },
      sessionBudget: { session, limitMicro: 5, costMicro: spent, ttlMs: hourMs },
    });
    expect(await outcomeOf(agent, all(1, 6))).toMatchObject({ limit: "session_budget", spentMicro: 0 });
    expect(await outcomeOf(agent, all(11, 1))).toMatchObject({ limit: "daily_budget", spentMicro: 0 });
    expect(await outcomeOf(agent, all(10, 5))).toEqual({ outcome: "ok" });
    expect(await outcomeOf(agent, all(0, 0))).toEqual({ outcome: "ok" });
    expect(await outcomeOf(agent, all(0, 0))).toMatchObject({ limit: "rate" });
  });

  test("a budget is told to be nearly and wholly used up once a day, in enforcement and in shadow", async () => {
    const agent = unique("agent");
    await subject().startOfDay();
    const warnings = async (charge: Charge, more = {}) => (await settle(agent, charge, more)).warnings;
    const said = { limit: "daily_budget", mode: "enforce", limitMicro: 100, refused: false };
    expect(await warnings(daily(100, 79))).toEqual([]);
    expect(await warnings(daily(100, 1))).toEqual([{ ...said, percent: 80, spentMicro: 80 }]);
    expect(await warnings(daily(100, 5))).toEqual([]);
    expect(await warnings(daily(100, 15))).toEqual([{ ...said, percent: 100, spentMicro: 100 }]);
    expect(await warnings({}, { shadow: daily(10, 10) })).toEqual([
      { ...said, mode: "shadow", percent: 100, spentMicro: 10, limitMicro: 10 },
    ]);
    await subject().advance(agent, dayMs);
    expect(await warnings(daily(100, 100))).toEqual([{ ...said, percent: 100, spentMicro: 100 }]);
  });

  test("of 50 calls at once one is told of a threshold; a replayed one is told nothing", async () => {
    const agent = unique("agent");
    const requests = Array.from({ length: 50 }, () => callOf(agent, daily(50, 1)));
    const told = (await Promise.all(requests.map((one) => subject().store.settle(one)))).flatMap((r) => r.warnings);
    expect(told.map(({ percent }) => percent).sort()).toEqual([100, 80]);
    const again = await Promise.all(requests.map((one) => subject().store.settle(one)));
    expect(again.flatMap((result) => result.warnings)).toEqual([]);
    const session = unique("session");
    const ofOne = await Promise.all(Array.from({ length: 50 }, () => settle(agent, ofSession(session, 40, 1))));
    expect(ofOne.flatMap((result) => result.warnings).map(({ limit, percent }) => [limit, percent])).toEqual(
      expect.arrayContaining([
        ["session_budget", 80],
        ["session_budget", 100],
      ]),
    );
    // And that it refused.
    expect(ofOne.flatMap((result) => result.warnings)).toHaveLength(3);
  });

  test("opening an approval uses up nothing and tells of nothing, redeeming does", async () => {
    const agent = unique("agent");
    const draft = draftOf(agent);
    const charge = { ...daily(10, 9), toolRate: { ...hourly(1), tool: "a" } };
    expect(await open(subject().store, draft, charge)).toMatchObject({ warnings: [], counters: { spentMicro: 0 } });
    const answer = { approver: "alice", decision: "approve" as const, at: "2030-01-01T00:00:00.000Z", proof: "p" };
    await subject().store.answer(draft.id, answer);
    expect(await redeem(subject().store, draft, charge)).toMatchObject({
      warnings: [{ percent: 80 }],
      counters: { spentMicro: 9 },
    });
    expect(await outcomeOf(agent, charge)).toMatchObject({ limit: "tool_rate" });
  });

  test("usage tells what was used of each limit, and how fast", async () => {
    const agent = unique("agent");
    const session = unique("session");
    const { store } = subject();
    const none = { tatUs: null, toolTatUs: {}, spentMicro: 0, hourMicro: 0, hourBeforeMicro: 0, sessionSpentMicro: 0 };
    expect(await store.usage({ agent, session })).toMatchObject({ enforced: none, shadow: none, pending: 0 });
    await subject().startOfDay();
    await settle(agent, {
      ...daily(100, 7),
      ...ofSession(session, 50, 7),
      toolRate: { ...hourly(9), tool: "__proto__" },
    });
    await settle(agent, { rate: hourly(9) }, { shadow: daily(5, 3) });
    await open(store, draftOf(agent));
    const used = await store.usage({ agent, session });
    expect(used).toMatchObject({
      enforced: { spentMicro: 7, hourMicro: 7, hourBeforeMicro: 0, sessionSpentMicro: 7 },
      shadow: { spentMicro: 3, tatUs: null, sessionSpentMicro: 0 },
      pending: 1,
    });
    expect(Object.keys(used.enforced.toolTatUs)).toEqual(["__proto__"]);
    for (const tatUs of [used.enforced.tatUs ?? 0, ...Object.values(used.enforced.toolTatUs)]) {
      expect(tatUs / 1000 - used.nowMs).toBeGreaterThan(hourMs - subject().driftMs() - 1000);
    }
    expect((await store.usage({ agent, session: null })).enforced.sessionSpentMicro).toBe(0);
    await subject().advance(agent, dayMs);
    expect((await store.usage({ agent, session })).enforced).toMatchObject({ spentMicro: 0, hourMicro: 0 });
  });

  test("counters that the store lost go on from what is known of them, and it is told", async () => {
    const agent = unique("agent");
    const session = unique("session");
    const charge = (cost: number): Charge => ({ ...daily(10, cost), ...ofSession(session, 8, cost), rate: hourly(3) });
    const known = knownOf(await settle(agent, charge(6)));
    expect(known.lostAtMs).toBeNull();
    const fresh = unique("agent");
    const told = await settle(fresh, charge(5), { known });
    const lostAtMs = told.counters?.nowMs;
    expect(told).toMatchObject({
      counters: { lostAtMs },
      enforced: { outcome: "budget_exceeded", limit: "daily_budget", spentMicro: 6 },
    });
    // They are back, for processes too that knew nothing, and the loss is told for as long as they are there.
    const counters = { lostAtMs };
    expect(await settle(fresh, daily(10, 5))).toMatchObject({ counters, enforced: { spentMicro: 6 } });
    expect(await settle(fresh, charge(2), { known })).toMatchObject({ counters, enforced: { outcome: "ok" } });
    expect(await settle(fresh, { rate: hourly(3) })).toMatchObject({ counters, enforced: { outcome: "ok" } });
    expect(await settle(fresh, { rate: hourly(3) })).toMatchObject({ counters, enforced: { limit: "rate" } });
    expect((await settle(agent, charge(1), { known })).counters?.lostAtMs).toBeNull();
  });

  test("what was known before a loss is part of it, what was told after it is the next", async () => {
    const [agent, session] = [unique("agent"), unique("session")];
    const charge = { ...daily(100, 1), ...ofSession(session, 100, 1) };
    const known = knownOf(await settle(unique("agent"), charge));
    /** So long ago the last loss was when the store was told what is known. */
    const sinceLoss = async (more: Partial<KnownCounters>) => {
      const { counters } = await settle(agent, charge, { known: { ...known, ...more } });
      return (counters?.nowMs ?? Number.NaN) - (counters?.lostAtMs ?? Number.NaN);
    };
    expect(await sinceLoss({})).toBe(0);
    const { nowMs } = await subject().store.usage({ agent, session });
    await subject().advance(agent, hourMs);
    expect(await sinceLoss({ charges: 10 })).toBeGreaterThanOrEqual(hourMs);
    expect(await sinceLoss({ sessionSpentMicro: 20 })).toBeGreaterThanOrEqual(hourMs);
    expect(await sinceLoss({ charges: 50, lostAtMs: nowMs })).toBe(0);
    await subject().advance(agent, hourMs / 2);
    expect(await sinceLoss({ sessionSpentMicro: 50, sessionLostAtMs: nowMs + 2 * hourMs })).toBe(0);
    expect((await settle(agent, charge)).counters).toMatchObject({ charges: 53, sessionSpentMicro: 52 });
  });

  test("the loss of a session's counters is told for as long as these last, whatever else there is of the agent", async () => {
    const [agent, session] = [unique("agent"), unique("session")];
    const known = { ...knownOf(await settle(unique("agent"), ofSession(session, 10, 6))), keptUntilMs: 0 };
    const told = await settle(agent, ofSession(session, 10, 5), { known });
    expect(told).toMatchObject({ counters: { charges: 0, lostAtMs: told.counters?.nowMs } });
    await subject().advance(agent, hourMs);
    const { counters } = await settle(agent, ofSession(session, 10, 4));
    expect(counters).toMatchObject({ charges: 1, sessionSpentMicro: 10, lostAtMs: expect.any(Number) });
  });

  test("what is known of counters that are forgotten by now says nothing", async () => {
    const agent = unique("agent");
    const { nowMs } = await subject().store.usage({ agent, session: null });
    const past: KnownCounters = {
      charges: 99,
      tatUs: (nowMs + hourMs) * 1000,
      day: Math.floor(nowMs / dayMs),
      spentMicro: 10,
      sessionSpentMicro: 10,
      keptUntilMs: nowMs - 1,
      sessionKeptUntilMs: nowMs - 1,
      lostAtMs: null,
      sessionLostAtMs: null,
    };
    const charge = { ...daily(10, 10), ...ofSession("s", 10, 10), rate: hourly(1) };
    expect(await settle(agent, charge, { known: past })).toMatchObject({
      counters: { lostAtMs: null },
      enforced: { outcome: "ok" },
    });
  });

  test("of many that mark the same thing one is first, and all get its value", async () => {
    const { store } = subject();
    const draft = draftOf(unique("agent"));
    await open(store, draft);
    const marked = await Promise.all(Array.from({ length: 20 }, (_, n) => store.mark(draft, "told", `value-${n}`)));
    const [first, ...others] = marked.filter((one) => one?.first);
    expect(others).toEqual([]);
    for (const one of marked) expect(one?.value).toBe(first?.value);
    expect(await store.marked(draft, "told")).toBe(first?.value);
    expect(await store.marked(draft, "other")).toBeNull();
    expect(await store.mark(draft, "other", "")).toEqual({ first: true, value: "" });
    const stranger = { id: draft.id, agent: unique("agent") };
    expect(await store.mark(stranger, "told", "mine")).toBeNull();
    expect(await store.marked(stranger, "told")).toBeNull();
    expect(await store.approval(draft.id)).toMatchObject({ status: "pending", answers: [] });
  });

  test("once is true for one of many", async () => {
    const name = unique("näme {☃}:");
    const { store } = subject();
    const asked = await Promise.all(Array.from({ length: 20 }, () => store.once(name, idempotencyMs)));
    expect(asked.filter(Boolean)).toHaveLength(1);
    expect(await store.once(unique("name"), idempotencyMs)).toBe(true);
    await expect(store.once("", 1)).rejects.toThrow(RangeError);
    await expect(store.once("a", 0)).rejects.toThrow(RangeError);
  });
}
