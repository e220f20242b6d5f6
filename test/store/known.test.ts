import fc from "fast-check";
import { systemRuntime } from "../../src/runtime.js";
import { dayMs } from "../../src/store/budget.js";
import { CountersSeen, remembering } from "../../src/store/known.js";
import { memoryStore } from "../../src/store/memory.js";
import { type Charge, type Counters, type SettleResult, StoreUnavailable } from "../../src/store/store.js";
import { runsWithin } from "../harness/property.js";
import { conformance } from "./conformance.js";
import { losable } from "./losable.js";
import { callOf, unique } from "./subject.js";

const midnight = Date.UTC(2030, 0, 1);
const hourMs = 3_600_000;

describe("a remembering store is a store", () => {
  conformance(async () => {
    let now = midnight;
    const runtime = { ...systemRuntime, now: () => now };
    const store = remembering(memoryStore(runtime), { seen: new CountersSeen(runtime), onLost: () => {} });
    return {
      store,
      advance: async (_: string, ms: number) => {
        now += ms;
      },
      startOfDay: async () => {
        now = Math.ceil(now / dayMs) * dayMs;
      },
      driftMs: () => 0,
      end: () => store.close(),
    };
  }, 300);
});

function subject(processes = 1, most?: number) {
  let now = midnight;
  const server = losable(() => now);
  const lost: string[][] = [];
  const stores = Array.from({ length: processes }, (_, n) => {
    const told: string[] = [];
    lost[n] = told;
    const seen = new CountersSeen({ now: () => now - 7_000 }, most);
    return { seen, store: remembering(server.store, { seen, onLost: (agent) => told.push(agent) }) };
  });
  const [first] = stores;
  if (!first) throw new Error("no process");
  return {
    ...first,
    stores,
    server,
    lost,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

const daily = (limitMicro: number, costMicro = 1): Charge => ({ budget: { limitMicro, costMicro } });
const ofSession = (session: string, limitMicro: number, costMicro = 1): Charge => ({
  sessionBudget: { session, limitMicro, costMicro, ttlMs: hourMs },
});

test("a flush gives nobody a second budget, and is told once", async () => {
  const { store, server, lost } = subject();
  const agent = unique("agent");
  let passed = 0;
  for (let n = 0; n < 30; n++) {
    if (n === 4) server.flush();
    if ((await store.settle(callOf(agent, daily(10)))).enforced.outcome === "ok") passed += 1;
  }
  expect(passed).toBe(10);
  expect(lost).toEqual([[agent]]);
});

test("what a session spent goes on too, and each session by itself", async () => {
  const { store, server, lost, pass } = subject();
  const agent = unique("agent");
  const spend = async (session: string, cost: number) =>
    (await store.settle(callOf(agent, ofSession(session, 10, cost)))).enforced.outcome;
  expect([await spend("a", 8), await spend("b", 3)]).toEqual(["ok", "ok"]);
  server.flush();
  expect(await spend("a", 3)).toBe("budget_exceeded");
  pass(1);
  expect([await spend("b", 7), await spend("c", 10)]).toEqual(["ok", "ok"]);
  expect(lost).toEqual([[agent]]);
});

test("each process that knew an agent tells its loss once, and one that did not tells nothing", async () => {
  const { stores, server, lost, pass } = subject(4);
  const call = (process: number) => stores[process]?.store.settle(callOf("a", daily(100)));
  // They know of one call, two and three; the last of none.
  for (const process of [0, 1, 2]) await call(process);
  for (let loss = 1; loss <= 2; loss++) {
    server.flush();
    for (let n = 0; n < 12; n++) {
      pass(1);
      await call(n % 4);
    }
    // By the second loss it knows the agent too.
    expect(lost.map((told) => told.length)).toEqual([loss, loss, loss, loss - 1]);
  }
});

test.each(["agent", "session"])(
  "the call that puts back what was lost of an %s need not be the one that tells it",
  async (of) => {
    const { store, server, lost, stores } = subject(2);
    const charge = of === "agent" ? daily(10) : ofSession("s", 10);
    const [, other] = stores;
    for (const one of [store, other?.store]) await one?.settle(callOf("a", charge));
    server.flush();
    server.reply = async () => {
      throw new StoreUnavailable("no answer within 1 ms");
    };
    const unanswered = callOf("a", charge);
    await expect(store.settle(unanswered)).rejects.toThrow(StoreUnavailable);
    expect(lost).toEqual([[], []]);
    server.reply = async () => {};
    // What was settled is not counted again, and tells nothing of counters.
    expect(await store.settle(unanswered)).toMatchObject({ replayed: true });
    expect(lost).toEqual([[], []]);
    for (let n = 0; n < 3; n++) await store.settle(callOf("a", charge));
    expect(lost).toEqual([["a"], []]);
    await other?.store.settle(callOf("a", charge));
    expect(lost).toEqual([["a"], ["a"]]);
  },
);

test("lower limits, a new day and counters that ended are no loss", async () => {
  const { store, lost, pass } = subject();
  const agent = unique("agent");
  const rate = (intervalUs: number, burst: number): Charge => ({ rate: { intervalUs, burst } });
  for (let n = 0; n < 5; n++) await store.settle(callOf(agent, { ...daily(100), ...rate(60_000_000, 10) }));
  await store.settle(callOf(agent, { ...daily(1), ...rate(1_000_000, 1) }));
  await store.settle(callOf(agent, rate(1000, 10)));
  pass(dayMs);
  await store.settle(callOf(agent, daily(100)));
  pass(5 * dayMs);
  expect((await store.settle(callOf(agent, daily(100)))).counters).toMatchObject({ charges: 1, spentMicro: 1 });
  for (let n = 0; n < 5; n++) await store.settle(callOf(agent, ofSession("a", 100, 10)));
  pass(hourMs);
  expect((await store.settle(callOf(agent, ofSession("a", 100, 10)))).counters).toMatchObject({
    sessionSpentMicro: 10,
  });
  expect(lost).toEqual([[]]);
});

test("nothing is sent with a call that meets no limit, and of halves nobody knows zeros", async () => {
  const { store, server } = subject();
  const agent = unique("agent");
  await store.settle(callOf(agent, {}));
  await store.settle(callOf(agent, daily(10)));
  await store.settle(callOf(agent, {}));
  await store.settle(callOf(agent, ofSession("a", 10, 2)));
  await store.settle(callOf(agent, ofSession("a", 10, 2)));
  expect(server.settled.map(({ known }) => known && [known.charges, known.sessionSpentMicro])).toEqual([
    undefined,
    undefined,
    undefined,
    [1, 0],
    [2, 2],
  ]);
  expect(server.settled[3]?.known?.sessionKeptUntilMs).toBe(0);
});

test("replies count in whatever order they come", () => {
  const counters = (more: Partial<Counters>): Counters => ({
    nowMs: midnight,
    charges: 0,
    tatUs: null,
    toolTatUs: null,
    day: 1,
    spentMicro: 0,
    sessionSpentMicro: 0,
    keptUntilMs: midnight + hourMs,
    sessionKeptUntilMs: midnight + hourMs,
    lostAtMs: null,
    ...more,
  });
  const request = callOf("a", { ...daily(10), ...ofSession("s", 10) });
  const replies = [4, 2, 5, 1, 3].map((n) =>
    counters({ charges: n, spentMicro: n, sessionSpentMicro: n, nowMs: midnight + n }),
  );
  fc.assert(
    fc.property(fc.shuffledSubarray(replies, { minLength: replies.length }), (shuffled) => {
      const seen = new CountersSeen({ now: () => midnight });
      for (const one of shuffled) seen.note(request, { counters: one } as SettleResult);
      expect(seen.of(request)).toMatchObject({ charges: 5, spentMicro: 5, sessionSpentMicro: 5 });
      // They have ended, and begun again.
      const later = counters({
        charges: 1,
        spentMicro: 1,
        nowMs: midnight + hourMs,
        keptUntilMs: midnight + 2 * hourMs,
      });
      seen.note(request, { counters: later } as SettleResult);
      expect(seen.of(request)).toMatchObject({ charges: 1, spentMicro: 1 });
    }),
  );
});

test.each([
  ["charges", { charges: 2 ** 53 - 2 }],
  ["rate", { tatUs: 2 ** 52 + 1 }],
  ["budget", { spentMicro: 2 ** 53 - 1 }],
  ["session", { sessionSpentMicro: 2 ** 52 + 1 }],
])("counters that leave no room for further calls are not remembered: %s", async (_, forged) => {
  const { store, server, seen, lost } = subject();
  const request = () => callOf("a", { ...daily(100), ...ofSession("s", 100), rate: { intervalUs: 1, burst: 1000 } });
  const { counters } = await store.settle(request());
  if (!counters) throw new Error("a call that was charged has counters");
  seen.note(request(), { counters: { ...counters, charges: 5, ...forged } } as SettleResult);
  server.flush();
  expect(await store.settle(request())).toMatchObject({
    enforced: { outcome: "ok" },
    counters: { charges: 2, spentMicro: 2, sessionSpentMicro: 2 },
  });
  expect(lost).toEqual([["a"]]);
});

test("it remembers so many agents and no more", async () => {
  const { store, seen } = subject(1, 2);
  for (const agent of ["a", "b", "c"]) await store.settle(callOf(agent, { ...daily(10), ...ofSession("s", 10) }));
  const known = ["a", "b", "c"].map((agent) => seen.of({ agent, enforced: ofSession("s", 10) }) !== null);
  expect(known).toEqual([false, true, true]);
  expect(seen.aheadMs).toBe(7_000);
});

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ call: fc.integer({ min: 0, max: 2 }), cost: fc.integer({ min: 0, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.constantFrom("flush" as const, "copy" as const, "fail over" as const) },
);
/** `loss` counts the losses that were noticed. */
type Known = { charges: number; spent: number; loss: number };
const nothing: Known = { charges: 0, spent: 0, loss: 0 };

/** What is to come of random calls of some processes while the server loses state. */
class Model {
  server = nothing;
  copied = nothing;
  losses = 0;
  readonly known = Array.from({ length: 3 }, () => nothing);
  readonly heard = [0, 0, 0];

  call(process: number, cost: number, limit: number): { passes: boolean; lost: boolean } {
    const known = this.known[process];
    if (!known) throw new Error("no such process");
    if (this.server.charges < known.charges) {
      const { charges, loss } = known;
      if (loss >= this.server.loss) this.losses += 1;
      this.server = {
        charges,
        spent: Math.max(known.spent, this.server.spent),
        loss: loss >= this.server.loss ? this.losses : this.server.loss,
      };
    }
    const passes = cost === 0 || this.server.spent + cost <= limit;
    if (passes && cost > 0) {
      this.server = { ...this.server, charges: this.server.charges + 1, spent: this.server.spent + cost };
    }
    const lost = known.charges > 0 && this.server.loss > (this.heard[process] ?? 0);
    this.heard[process] = Math.max(this.server.loss, this.heard[process] ?? 0);
    if (this.server.charges > 0) this.known[process] = this.server;
    return { passes, lost };
  }
}

test("random calls of three processes around losses end as the model says; one process alone never spends more than the budget", async () => {
  const limit = 20;
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 60 }),
    fc.boolean(),
    runsWithin(20_000, async (steps, alone) => {
      const { stores, server, lost, pass } = subject(3);
      const model = new Model();
      let spent = 0;
      for (const next of steps) {
        pass(1);
        if (next === "flush") {
          server.flush();
          model.server = nothing;
          model.copied = nothing;
        } else if (next === "copy") {
          server.copy();
          model.copied = model.server;
        } else if (next === "fail over") {
          await server.failOver();
          model.server = model.copied;
        } else {
          const process = alone ? 0 : next.call;
          const before = lost[process]?.length ?? 0;
          const result = await stores[process]?.store.settle(callOf("a", daily(limit, next.cost)));
          const wanted = model.call(process, next.cost, limit);
          expect({ passes: result?.enforced.outcome === "ok", lost: (lost[process]?.length ?? 0) > before }).toEqual(
            wanted,
          );
          if (wanted.passes) spent += next.cost;
        }
      }
      if (alone) expect(spent).toBeLessThanOrEqual(limit);
    }),
  );
  await fc.assert(property, { numRuns: 500 });
});
