import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { dayMs } from "../../src/store/budget.js";
import { type Charge, StoreUnavailable } from "../../src/store/store.js";
import { until } from "../harness/until.js";
import { conformance } from "./conformance.js";
import { fallbackOver, lookAt, seenCall } from "./fallback_subject.js";
import { losable } from "./losable.js";
import { callOf, draftOf, unique } from "./subject.js";

const midnight = Date.UTC(2030, 0, 1);
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const daily = (limitMicro: number, costMicro = 1): Charge => ({ budget: { limitMicro, costMicro } });

function subject(options: Partial<Parameters<typeof fallbackOver>[1]> = {}) {
  let now = midnight;
  const server = losable(() => now);
  const process = () => fallbackOver(server.store, { fraction: 0.2, now: () => now, ...options });
  const first = process();
  const { store } = first;
  const passes = async (agent: string, charge: Charge, more = {}) =>
    (await store.settle(callOf(agent, charge, more))).enforced.outcome === "ok";
  /** How many of so many calls pass. */
  const passing = async (agent: string, charge: Charge, calls: number) => {
    let passed = 0;
    for (let n = 0; n < calls; n++) if (await passes(agent, charge)) passed += 1;
    return passed;
  };
  const back = async () => {
    server.away = false;
    await until(() => first.trouble() === null, { what: "the store to be back" });
  };
  const advance = async (_: string, ms: number) => {
    now += ms;
  };
  const startOfDay = async () => {
    now = Math.ceil(now / dayMs) * dayMs;
  };
  return { ...first, process, server, passes, passing, back, advance, startOfDay, driftMs: () => 0, end: store.close };
}

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
      async (steps, limit, fraction) => {
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
      },
    );
    await fc.assert(property, { numRuns: 300, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false });
  }, 60_000);
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
    expect(performance.now() - before).toBeLessThan(5_000);
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

describe("what sessions have to remember", () => {
  test("it is told in order before the agent's next call, and as it came out here", async () => {
    const { server, store, passes, trouble, counts } = subject();
    const see = (detail: string) => ({ observation: seenCall("s", detail, { classification: ["pii"] }) });
    server.away = true;
    expect(await passes("a", daily(10), see("1"))).toBe(true);
    expect(await passes("a", daily(10), see("2"))).toBe(true);
    expect(await passes("a", daily(10), see("3"))).toBe(false);
    expect(await passes("b", daily(10), see("1"))).toBe(true);
    expect(trouble()).toContain("calls go on with 0.2 of each limit in this process; 4 observations wait for it");
    server.away = false;
    const look = await until(() => store.look(lookAt("a", "s")), { what: "the store to be back" });
    expect(look.session).toMatchObject({ calls: 3, passed: 2, refused: 1, classification: ["pii"], tools: ["crm"] });
    expect(look.session?.recent).toMatchObject([{ reason: "budget_exceeded", detail: "3" }]);
    const told = server.settled.filter(({ agent }) => agent === "a");
    expect(told.map(({ observation }) => observation?.detail)).toEqual(["1", "2", "3"]);
    expect(new Set(told.map(({ key }) => key)).size).toBe(3);
    expect(told.every(({ enforced, shadow }) => Object.keys({ ...enforced, ...shadow }).length === 0)).toBe(true);
    await until(() => counts.waiting === 0, { what: "the other agent's observation to be told" });
    expect(server.settled.filter(({ agent }) => agent === "b")).toHaveLength(1);
    expect(trouble()).toBeNull();
  });

  test("an agent goes on with its share until the store knows everything of it; others do not wait", async () => {
    const { server, store, passes, counts } = subject({ waitMs: 50 });
    server.away = true;
    await passes("a", daily(100), { observation: seenCall("s", "1") });
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.delay = ({ key }) => (key.startsWith("missed/") ? held : Promise.resolve());
    server.away = false;
    await until(async () => !(await store.settle(callOf("b", daily(100)))).local, { what: "the store to be back" });
    expect(await store.settle(callOf("a", daily(100), { observation: seenCall("s", "2") }))).toMatchObject({
      local: true,
    });
    await expect(store.look(lookAt("a", "s"))).rejects.toThrow("does not know yet");
    release();
    await until(() => counts.waiting === 0, { what: "the observations to be told" });
    expect(await store.settle(callOf("a", daily(100)))).not.toHaveProperty("local");
    const told = server.settled.filter(({ observation }) => observation).map(({ observation }) => observation?.detail);
    expect(told).toEqual(["1", "2"]);
  });

  test("without room for them nothing passes, and one agent does not take the room of others", async () => {
    const { server, passes, store, counts, trouble } = subject({ most: { ofAgent: 3, inAll: 5 } });
    const see = { observation: seenCall("s", "x") };
    server.away = true;
    const refused = (agent: string) =>
      expect(store.settle(callOf(agent, daily(100), see))).rejects.toThrow(StoreUnavailable);
    for (let n = 0; n < 3; n++) expect(await passes("a", daily(100), see)).toBe(true);
    await refused("a");
    // Of one agent no more than there is room left.
    expect(await passes("b", daily(100), see)).toBe(true);
    for (const agent of ["a", "b"]) await refused(agent);
    expect(await passes("c", daily(100), see)).toBe(true);
    for (const agent of ["a", "b", "c", "d"]) await refused(agent);
    expect(counts).toEqual({ local: 5, waiting: 5, dropped: 0 });
    server.away = false;
    await until(() => trouble() === null, { what: "the observations to be told" });
    expect(await passes("c", daily(100), see)).toBe(true);
    expect(counts).toEqual({ local: 5, waiting: 0, dropped: 0 });
  });

  test("calls in a loop leave room for other agents, whether limits refuse them or not", async () => {
    const { passes, server, counts, store } = subject();
    server.away = true;
    const loops = Array.from({ length: 10 }, (_, n) => `loop-${n}`);
    for (const agent of loops) {
      for (let n = 0; n < 1_000; n++) await passes(agent, daily(10), { observation: seenCall("s", `${n}`) });
    }
    expect(counts).toEqual({ local: 10_000, waiting: 10 * 3, dropped: 0 });
    for (const agent of loops) {
      const free = () => passes(agent, {}, { observation: seenCall("s", "x") });
      while (await free().catch(() => false)) {}
    }
    expect(counts.waiting).toBeLessThan(9_800);
    for (let n = 0; n < 100; n++) {
      expect(await passes("innocent", {}, { observation: seenCall("s", "x") })).toBe(true);
    }
    await store.close();
  });

  test("of refusals by limits one for each session and reason is told, and all that say more", async () => {
    const { passes, server, trouble, store } = subject();
    const rate = { rate: { intervalUs: hourMs * 1000, burst: 1 } };
    server.away = true;
    for (const session of ["s", "t"]) {
      for (let n = 0; n < 3; n++) await passes("a", daily(1), { observation: seenCall(session, "budget") });
      await passes("a", daily(1), { observation: seenCall(session, "tagged", { tags: ["pii"] }) });
      await passes("a", daily(1), {
        observation: seenCall(session, "found", { indicators: ["prompt_injection"] }),
      });
      for (let n = 0; n < 3; n++) await passes("a", rate, { observation: seenCall(session, "rate") });
      const denied = { outcome: "refused" as const, refusal: "max_replicas" };
      for (let n = 0; n < 2; n++) await passes("a", {}, { observation: seenCall(session, "denied", denied) });
    }
    server.away = false;
    await until(() => trouble() === null, { what: "the observations to be told" });
    const told = server.settled.map(({ observation }) => `${observation?.session} ${observation?.detail}`);
    const ofSession = (session: string) => told.filter((one) => one.startsWith(session)).map((one) => one.slice(2));
    expect(ofSession("t")).toEqual(["budget", "tagged", "found", "rate", "denied", "denied"]);
    expect(ofSession("s").filter((one) => one !== "rate")).toEqual(["budget", "tagged", "found", "denied", "denied"]);
    await store.close();
  });

  test("what the store does not take of one agent holds up no other, and is not forgotten", async () => {
    const { server, passes, store, counts, events } = subject();
    let sick = true;
    const delay = server.delay;
    server.delay = async (request) => {
      if (sick && request.agent === "sick") throw new StoreUnavailable("it does not like that");
      await delay(request);
    };
    const see = { observation: seenCall("s", "x") };
    expect(await store.settle(callOf("sick", daily(100), see))).toMatchObject({ local: true });
    await until(() => events.length === 2, { what: "the store to be back" });
    for (let n = 0; n < 20; n++) {
      expect(await store.settle(callOf("sick", {}, see))).toMatchObject({ local: true });
      expect(await store.settle(callOf("well", daily(100), see))).not.toHaveProperty("local");
    }
    expect(events).toEqual(["away", "back"]);
    expect(counts.waiting).toBe(21);
    sick = false;
    expect(await passes("sick", {})).toBe(true);
    expect(counts).toMatchObject({ waiting: 0, dropped: 0 });
  });

  test("that the store is away again shows also where it is only told of what it has missed", async () => {
    const { server, passes, events } = subject();
    server.away = true;
    await passes("a", {}, { observation: seenCall("s", "x") });
    server.delay = async () => {
      throw new StoreUnavailable("it does not like that");
    };
    server.away = false;
    await until(() => events.length === 2, { what: "the store to be back" });
    server.away = true;
    await passes("a", {}, {});
    await until(() => events.length === 3, { what: "the store to be away" });
    expect(events).toEqual(["away", "back", "away"]);
  });

  test("what a process cannot tell before it ends is counted", async () => {
    const { server, passes, store, counts } = subject();
    server.away = true;
    await passes("a", {}, { observation: seenCall("s", "x") });
    await store.close();
    expect(counts).toEqual({ local: 1, waiting: 0, dropped: 1 });
    const other = subject();
    other.server.away = true;
    await other.passes("a", {}, { observation: seenCall("s", "x") });
    await other.back();
    expect(other.counts).toMatchObject({ dropped: 0, waiting: 0 });
    other.server.delay = () => sleep(100);
    const failing = other.server.reply;
    other.server.reply = async () => {
      other.server.reply = failing;
      throw new StoreUnavailable("no answer");
    };
    await other.passes("a", {}, { observation: seenCall("s", "y") });
    await other.store.close();
    expect(other.counts).toMatchObject({ dropped: 0, waiting: 0 });
  });
});
