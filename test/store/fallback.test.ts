import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { dayMs } from "../../src/store/budget.js";
import { type Charge, StoreUnavailable } from "../../src/store/store.js";
import { runsWithin } from "../harness/property.js";
import { until } from "../harness/until.js";
import { conformance } from "./conformance.js";
import { daily, hourMs, lookAt, minuteMs, seenCall, subject } from "./fallback_subject.js";
import { callOf, draftOf, unique } from "./subject.js";

describe("a store with a fallback is a store", () => conformance(async () => subject(), 300));

describe("limits", () => {
  test("budgets: a share of them, no more than is known to be left, and no second share at the next outage", async () => {
    const { passing, server, back, events, counts, advance } = subject();
    const [full, poor] = [unique("agent"), unique("agent")];
    expect(await passing(full, daily(100), 10)).toBe(10);
    expect(await passing(poor, daily(100), 93)).toBe(93);
    server.away = true;
    expect(await passing(full, daily(100), 15)).toBe(15);
    expect(await passing(poor, daily(100), 30)).toBe(7);
    expect(await passing(unique("agent"), daily(4), 30)).toBe(0);
    await back();
    server.away = true;
    expect(await passing(full, daily(100), 15)).toBe(5);
    await back();
    expect(await passing(full, daily(100), 100)).toBe(90);
    server.away = true;
    await advance("", dayMs);
    expect(await passing(full, daily(100), 30)).toBe(20);
    expect(counts.local).toBe(15 + 30 + 30 + 15 + 30);
    expect(events).toEqual(["away", "back", "away", "back", "away"]);
  });

  test("a session's share is given once, however long the session lives by what the store lets through", async () => {
    const { passing, server, back, advance } = subject();
    const ofSession: Charge = {
      sessionBudget: { session: "s", limitMicro: 1000, costMicro: 1, ttlMs: hourMs },
    };
    const agent = unique("agent");
    server.away = true;
    expect(await passing(agent, ofSession, 250)).toBe(200);
    for (let outage = 0; outage < 5; outage++) {
      await back();
      for (let n = 0; n < 30; n++) {
        expect(await passing(agent, ofSession, 1)).toBe(1);
        await advance("", 50 * minuteMs);
      }
      server.away = true;
      expect(await passing(agent, ofSession, 250)).toBe(0);
    }
  });

  test("a session that lives by other processes gets no second share within a day", async () => {
    const { passing, process, server, back, advance } = subject();
    const ofSession: Charge = { sessionBudget: { session: "s", limitMicro: 1000, costMicro: 1, ttlMs: hourMs } };
    const other = process();
    server.away = true;
    expect(await passing("a", ofSession, 250)).toBe(200);
    await back();
    for (let n = 0; n < 5; n++) {
      expect(await other.store.settle(callOf("a", ofSession))).toMatchObject({ enforced: { outcome: "ok" } });
      await advance("", 50 * minuteMs);
    }
    server.away = true;
    expect(await passing("a", ofSession, 250)).toBe(0);
    await advance("", dayMs);
    expect(await passing("a", ofSession, 250)).toBe(200);
    await other.store.close();
  });

  test("the shares of a day and of a rate are given once for a day and an interval, over many outages", async () => {
    const { passing, server, back, advance } = subject();
    const [day, rate] = [unique("agent"), unique("agent")];
    const hourly: Charge = { rate: { intervalUs: hourMs * 1000, burst: 10 } };
    let [ofDay, ofRate] = [0, 0];
    for (let outage = 0; outage < 20; outage++) {
      server.away = true;
      ofDay += await passing(day, daily(100), 30);
      ofRate += await passing(rate, hourly, 5);
      await back();
      await passing(day, daily(100), 1);
      await passing(rate, hourly, 1);
      await advance("", 30 * minuteMs);
    }
    expect(ofDay).toBe(20);
    // Two at once, and one each five hours: the last outage begins after nine and a half.
    expect(ofRate).toBe(3);
  });

  test("rates: a slower one, and at least one call at once", async () => {
    const { passing, server, advance } = subject();
    const [many, one] = [unique("agent"), unique("agent")];
    const rate = (burst: number): Charge => ({ rate: { intervalUs: 1_000_000, burst } });
    server.away = true;
    expect(await passing(many, rate(10), 20)).toBe(2);
    expect(await passing(one, rate(3), 20)).toBe(1);
    await advance("", 4_999);
    expect(await passing(one, rate(3), 20)).toBe(0);
    await advance("", 1);
    expect(await passing(one, rate(3), 20)).toBe(1);
  });

  test("the same call is settled once, and what says nothing of the limits is not told", async () => {
    const { store, server, counts } = subject();
    const request = callOf("a", daily(5), { shadow: daily(5), observation: seenCall("s", "1") });
    server.away = true;
    const wanted = {
      enforced: { outcome: "ok" },
      shadow: { outcome: "ok" },
      counters: null,
      warnings: [],
      local: true,
    };
    expect(await store.settle(request)).toMatchObject({ ...wanted, replayed: false });
    for (let n = 0; n < 3; n++) expect(await store.settle(request)).toMatchObject({ ...wanted, replayed: true });
    expect(await store.settle(callOf("a", daily(5)))).toMatchObject({ enforced: { outcome: "budget_exceeded" } });
    expect(counts.waiting).toBe(1);
  });

  test("faults at random: what passes is never more than the limit, and for each process its share", async () => {
    const step = fc.record({
      process: fc.integer({ min: 0, max: 2 }),
      cost: fc.integer({ min: 1, max: 3 }),
      fault: fc.constantFrom("none", "none", "not asked", "no reply"),
    });
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 80 }),
      fc.integer({ min: 1, max: 40 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      runsWithin(20_000, async (steps, limit, fraction) => {
        const { server, process } = subject({ fraction });
        const processes = Array.from({ length: 3 }, () => ({ ...process(), local: 0, stored: 0 }));
        const failing = async () => {
          throw new StoreUnavailable("no answer");
        };
        const fine = async () => {};
        for (const { process: n, cost, fault } of steps) {
          server.delay = fault === "not asked" ? failing : fine;
          server.reply = fault === "no reply" ? failing : fine;
          const one = processes[n];
          if (!one) throw new Error("no such process");
          const { enforced, local = false } = await one.store.settle(callOf("a", daily(limit, cost)));
          expect(local).toBe(fault !== "none");
          if (enforced.outcome === "ok") one[local ? "local" : "stored"] += cost;
          while (one.trouble() !== null) await setImmediate();
        }
        expect(processes.reduce((sum, { stored }) => sum + stored, 0)).toBeLessThanOrEqual(limit);
        for (const { local } of processes) expect(local).toBeLessThanOrEqual(limit * fraction);
        for (const { store } of processes) await store.close();
      }),
    );
    await fc.assert(property, { numRuns: 300 });
  });
});

describe("what needs the store", () => {
  test("approvals and what a session did are refused as before", async () => {
    const { store, server } = subject();
    const draft = draftOf("a");
    const open = { approval: { kind: "open" as const, draft, maxPending: 10 } };
    server.away = true;
    for (let n = 0; n < 2; n++) {
      await expect(store.settle(callOf("a", {}, open))).rejects.toThrow(StoreUnavailable);
      const redeem = { kind: "redeem" as const, id: draft.id, fingerprint: draft.fingerprint };
      await expect(store.settle(callOf("a", {}, { approval: redeem }))).rejects.toThrow(StoreUnavailable);
      await expect(store.look(lookAt("a", "s"))).rejects.toThrow(StoreUnavailable);
      await expect(store.usage({ agent: "a", session: null })).rejects.toThrow(StoreUnavailable);
    }
    await expect(store.registry.changes(null)).rejects.toThrow(StoreUnavailable);
    server.away = false;
    await until(() => store.registry.changes(null), { what: "the store to be back" });
    expect(await store.settle(callOf("a", {}, open))).toMatchObject({ approval: { outcome: "opened", fresh: true } });
  });

  test("only the first call has to find out that the store is away", async () => {
    const { server, store, passing } = subject();
    let asked = 0;
    server.delay = async () => {
      asked += 1;
      server.away = true;
      await sleep(200);
    };
    const before = performance.now();
    expect(await passing("a", daily(1000), 500)).toBe(200);
    expect(asked).toBe(1);
    expect(performance.now() - before).toBeLessThan(50_000);
    await store.close();
    await expect(store.settle(callOf("a", {}))).rejects.toThrow(StoreUnavailable);
  });

  test("a request that no store should see is a mistake, also while the store is away", async () => {
    const { server, store, passes } = subject();
    server.away = true;
    await passes("a", daily(10));
    await expect(store.settle(callOf("", {}))).rejects.toThrow(RangeError);
    await expect(store.settle(callOf("a", {}, { observation: seenCall("", "x") }))).rejects.toThrow(RangeError);
    await expect(store.look(lookAt("", "s"))).rejects.toThrow(RangeError);
  });
});
