import type { Charge, LimitOutcome } from "../../src/store/store.js";
import { idempotencyMs } from "../../src/store/store.js";
import { callOf, type Subject, unique } from "./subject.js";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** One call an hour: in a test's run time nothing comes back by itself. */
const hourly = (burst: number): Charge => ({ rate: { intervalUs: hourMs * 1000, burst } });
const budget = (limitMicro: number, costMicro: number): Charge => ({ budget: { limitMicro, costMicro } });

export function limitsConformance(subject: () => Subject): void {
  const settle = async (agent: string, charge: Charge) =>
    (await subject().store.settle(callOf(agent, charge))).enforced;

  const expectRetry = (outcome: LimitOutcome, retryAfterMs: number) => {
    expect(outcome.outcome).toBe("rate_exceeded");
    const given = outcome.outcome === "ok" ? Number.NaN : outcome.retryAfterMs;
    expect(given).toBeLessThanOrEqual(retryAfterMs);
    expect(given).toBeGreaterThanOrEqual(retryAfterMs - subject().driftMs());
  };

  test("a burst passes at once, then one call per interval", async () => {
    const agent = unique("agent");
    for (let n = 0; n < 3; n++) expect(await settle(agent, hourly(3))).toEqual({ outcome: "ok" });
    expectRetry(await settle(agent, hourly(3)), hourMs);
    await subject().advance(agent, hourMs / 2);
    expectRetry(await settle(agent, hourly(3)), hourMs / 2);
    await subject().advance(agent, hourMs / 2);
    expect(await settle(agent, hourly(3))).toEqual({ outcome: "ok" });
    expectRetry(await settle(agent, hourly(3)), hourMs);
    await subject().advance(agent, 100 * hourMs);
    for (let n = 0; n < 3; n++) expect(await settle(agent, hourly(3))).toEqual({ outcome: "ok" });
    expectRetry(await settle(agent, hourly(3)), hourMs);
  });

  test("100 calls at once never take more than the burst", async () => {
    const agent = unique("agent");
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => settle(agent, hourly(7))));
    expect(outcomes.filter(({ outcome }) => outcome === "ok")).toHaveLength(7);
  });

  test("a raised limit takes effect at once", async () => {
    const agent = unique("agent");
    expect(await settle(agent, { rate: { intervalUs: 100 * hourMs * 1000, burst: 1 } })).toEqual({ outcome: "ok" });
    const tool = (rate: NonNullable<Charge["rate"]>): Charge => ({ toolRate: { ...rate, tool: "a" } });
    expect(await settle(agent, tool({ intervalUs: 100 * hourMs * 1000, burst: 1 }))).toEqual({ outcome: "ok" });
    // One call passes, whatever is left of the old limit, and from then on the new one counts.
    for (const raised of [hourly(3), tool({ intervalUs: hourMs * 1000, burst: 3 })]) {
      for (let n = 0; n < 3; n++) {
        expect(await settle(agent, raised)).toEqual({ outcome: "ok" });
        expectRetry(await settle(agent, raised), hourMs);
        await subject().advance(agent, hourMs);
      }
    }
  });

  test("a refused call passes when the time it was told is over, also after a raise by little", async () => {
    const agent = unique("agent");
    const hours = (interval: number): Charge => ({ rate: { intervalUs: interval * hourMs * 1000, burst: 1 } });
    expect(await settle(agent, hours(3))).toEqual({ outcome: "ok" });
    expectRetry(await settle(agent, hours(2)), 3 * hourMs);
    await subject().advance(agent, 3 * hourMs);
    expect(await settle(agent, hours(2))).toEqual({ outcome: "ok" });
    expectRetry(await settle(agent, hours(2)), 2 * hourMs);
  });

  test("the budget is exact to the micro-unit, and big", async () => {
    const agent = unique("agent");
    const limit = Number.MAX_SAFE_INTEGER;
    expect(await settle(agent, budget(limit, limit - 1))).toEqual({ outcome: "ok" });
    expect(await settle(agent, budget(limit, 2))).toMatchObject({ outcome: "budget_exceeded", spentMicro: limit - 1 });
    expect(await settle(agent, budget(limit, 1))).toEqual({ outcome: "ok" });
    expect(await settle(agent, budget(limit, 1))).toMatchObject({ outcome: "budget_exceeded", spentMicro: limit });
    expect(await settle(agent, budget(limit, limit))).toMatchObject({ outcome: "budget_exceeded", spentMicro: limit });
  });

  test("a budget refusal names the time to the next UTC day", async () => {
    const outcome = await settle(unique("agent"), budget(1, 2));
    expect(outcome).toMatchObject({ outcome: "budget_exceeded", spentMicro: 0 });
    const retryAfterMs = outcome.outcome === "ok" ? Number.NaN : outcome.retryAfterMs;
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(dayMs);
  });

  test("cost 0 passes an exhausted budget, and a budget of 0 covers nothing else", async () => {
    const agent = unique("agent");
    expect(await settle(agent, budget(5, 5))).toEqual({ outcome: "ok" });
    expect(await settle(agent, budget(5, 0))).toEqual({ outcome: "ok" });
    expect(await settle(agent, budget(0, 0))).toEqual({ outcome: "ok" });
    expect(await settle(agent, budget(5, 1))).toMatchObject({ outcome: "budget_exceeded", spentMicro: 5 });
    expect(await settle(unique("agent"), budget(0, 1))).toMatchObject({ outcome: "budget_exceeded", spentMicro: 0 });
  });

  test("a new UTC day starts a new budget", async () => {
    const agent = unique("agent");
    expect(await settle(agent, budget(10, 10))).toEqual({ outcome: "ok" });
    expect(await settle(agent, budget(10, 1))).toMatchObject({ outcome: "budget_exceeded" });
    await subject().advance(agent, dayMs);
    expect(await settle(agent, budget(10, 4))).toEqual({ outcome: "ok" });
    expect(await settle(agent, budget(10, 7))).toMatchObject({ outcome: "budget_exceeded", spentMicro: 4 });
  });

  test("a call that one limit refuses takes nothing from the other", async () => {
    const agent = unique("agent");
    const both = (cost: number): Charge => ({ ...hourly(2), ...budget(10, cost) });
    expect(await settle(agent, both(11))).toMatchObject({ outcome: "budget_exceeded", spentMicro: 0 });
    expect(await settle(agent, both(5))).toEqual({ outcome: "ok" });
    expect(await settle(agent, both(6))).toMatchObject({ outcome: "budget_exceeded", spentMicro: 5 });
    expect(await settle(agent, both(1))).toEqual({ outcome: "ok" });
    expectRetry(await settle(agent, both(1)), hourMs);
    expect(await settle(agent, budget(10, 5))).toMatchObject({ outcome: "budget_exceeded", spentMicro: 6 });
    expect(await settle(agent, budget(10, 4))).toEqual({ outcome: "ok" });
  });

  test("shadow counts for itself and refuses nothing", async () => {
    const agent = unique("agent");
    const shadowed = () => subject().store.settle(callOf(agent, hourly(2), { shadow: hourly(1) }));
    expect(await shadowed()).toMatchObject({ enforced: { outcome: "ok" }, shadow: { outcome: "ok" } });
    expect(await shadowed()).toMatchObject({ enforced: { outcome: "ok" }, shadow: { outcome: "rate_exceeded" } });
    expect(await shadowed()).toMatchObject({
      enforced: { outcome: "rate_exceeded" },
      shadow: { outcome: "rate_exceeded" },
    });
    expect(await subject().store.settle(callOf(agent, {}))).toMatchObject({ shadow: null });
    const other = unique("agent");
    const reversed = () => subject().store.settle(callOf(other, hourly(1), { shadow: hourly(2) }));
    expect(await reversed()).toMatchObject({ enforced: { outcome: "ok" }, shadow: { outcome: "ok" } });
    expect(await reversed()).toMatchObject({ enforced: { outcome: "rate_exceeded" }, shadow: { outcome: "ok" } });
    expect(await reversed()).toMatchObject({
      enforced: { outcome: "rate_exceeded" },
      shadow: { outcome: "rate_exceeded" },
    });
  });

  test("the same key gets the first result and is charged once", async () => {
    const agent = unique("agent");
    const { store, advance } = subject();
    const request = callOf(agent, { ...hourly(2), ...budget(10, 3) }, { shadow: budget(2, 3) });
    const first = await store.settle(request);
    expect(first).toMatchObject({
      replayed: false,
      enforced: { outcome: "ok" },
      shadow: { outcome: "budget_exceeded" },
    });
    const again = await Promise.all(Array.from({ length: 20 }, () => store.settle(request)));
    for (const result of again) expect(result).toEqual({ ...first, replayed: true, counters: null, warnings: [] });
    expect(await settle(agent, hourly(2))).toEqual({ outcome: "ok" });
    expect(await settle(agent, budget(10, 8))).toMatchObject({ outcome: "budget_exceeded", spentMicro: 3 });
    expect(await store.settle({ ...request, agent: unique("agent") })).toMatchObject({ replayed: false });
    await advance(agent, idempotencyMs);
    expect(await store.settle(request)).toMatchObject({ replayed: false, enforced: { outcome: "rate_exceeded" } });
  });

  test("a key whose call took nothing is weighed afresh", async () => {
    const agent = unique("agent");
    const intervalMs = idempotencyMs / 2;
    const request = callOf(agent, { rate: { intervalUs: intervalMs * 1000, burst: 1 } });
    await settle(agent, request.enforced);
    expect(await subject().store.settle(request)).toMatchObject({ enforced: { outcome: "rate_exceeded" } });
    await subject().advance(agent, intervalMs);
    expect(await subject().store.settle(request)).toMatchObject({ replayed: false, enforced: { outcome: "ok" } });
    await subject().advance(agent, intervalMs);
    expect(await subject().store.settle(request)).toMatchObject({ replayed: true, enforced: { outcome: "ok" } });
  });

  test("hostile agent ids and keys share nothing", async () => {
    const names = [
      "a",
      "{a}",
      "}a",
      "{",
      "}",
      "{}",
      "a:limits",
      "a}:limits",
      "a\n",
      "__proto__",
      "constructor",
      "a%7D",
      "ä",
      " ",
    ];
    const run = unique("run");
    const ids = names.flatMap((name) => [`${name}${run}`, `${run}${name}`]);
    for (const id of ids) expect(await settle(id, hourly(1))).toEqual({ outcome: "ok" });
    for (const id of ids) expect(await settle(id, hourly(1))).toMatchObject({ outcome: "rate_exceeded" });
    const agent = unique("agent");
    for (const key of ids) {
      expect(await subject().store.settle({ ...callOf(agent, budget(1000, 1)), key })).toMatchObject({
        replayed: false,
      });
    }
    expect(await settle(agent, budget(0, 1))).toMatchObject({ spentMicro: ids.length });
  });

  test.each([
    ["no agent", callOf("", {})],
    ["half a character", callOf("\ud800", {})],
    ["no key", { ...callOf("a", {}), key: "" }],
    ["interval 0", callOf("a", { rate: { intervalUs: 0, burst: 1 } })],
    ["half a microsecond", callOf("a", { rate: { intervalUs: 0.5, burst: 1 } })],
    ["burst 0", callOf("a", { rate: { intervalUs: 1, burst: 0 } })],
    ["a horizon without end", callOf("a", { rate: { intervalUs: 2 ** 40, burst: 2 ** 13 } })],
    ["a negative cost", callOf("a", budget(1, -1))],
    ["no cost", callOf("a", budget(1, Number.NaN))],
    ["an endless limit", callOf("a", budget(Number.POSITIVE_INFINITY, 1))],
    ["an inexact shadow cost", callOf("a", {}, { shadow: budget(1, 2 ** 53) })],
  ])("a mistaken request is refused: %s", async (_, request) => {
    await expect(subject().store.settle(request)).rejects.toThrow(RangeError);
  });
}
