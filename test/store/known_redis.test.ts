import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { CountersSeen, remembering } from "../../src/store/known.js";
import { type Charge, type Store, StoreUnavailable } from "../../src/store/store.js";
import { findRedis } from "../harness/find_redis.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { until } from "../harness/until.js";
import { cleanUp, connected, ownServer } from "./redis_fixture.js";
import { callOf, unique } from "./subject.js";

const part = await requirePart("Redis", findRedis);
const daily = (limitMicro: number, costMicro = 1): Charge => ({ budget: { limitMicro, costMicro } });
const raws: Redis[] = [];

afterAll(async () => {
  for (const raw of raws) await raw.quit();
  await cleanUp();
  if ("value" in part) await part.value.stop();
});

/** Processes that share a server of the test's own. */
async function subject(processes: number) {
  const { url } = await ownServer();
  const raw = new Redis(url);
  raws.push(raw);
  const lost: string[][] = [];
  const stores: Store[] = [];
  const answers = { getLost: false };
  for (let n = 0; n < processes; n++) {
    const told: string[] = [];
    lost.push(told);
    const store = await connected(url, { waitMs: 10_000 });
    const settle: Store["settle"] = async (request) => {
      const result = await store.settle(request);
      if (answers.getLost) throw new StoreUnavailable("no answer in time");
      return result;
    };
    const seen = new CountersSeen({ now: Date.now });
    stores.push(remembering({ ...store, settle }, { seen, onLost: (agent) => told.push(agent) }));
  }
  const passes = async (process: number, agent: string, charge: Charge) =>
    (await stores[process]?.settle(callOf(agent, charge)))?.enforced.outcome === "ok";
  return { raw, lost, answers, passes };
}

describeWith(part, "counters that the server lost", () => {
  test("with a flush in between as many calls pass as without, also of many at once", async () => {
    const { raw, lost, passes } = await subject(1);
    const agent = unique("agent");
    const limit = 200;
    let passed = 0;
    const wave = async (calls: number) => {
      const all = await Promise.all(Array.from({ length: calls }, () => passes(0, agent, daily(limit))));
      passed += all.filter(Boolean).length;
    };
    await wave(64);
    for (let n = 0; n < 5; n++) {
      await raw.flushall();
      await wave(64);
    }
    expect(passed).toBe(limit);
    expect(lost).toEqual([Array.from({ length: 5 }, () => agent)]);
  });

  test("each process tells it once, and what the one knew holds for the other", async () => {
    const { raw, lost, passes } = await subject(2);
    const agent = unique("agent");
    const cost = daily(100, 10);
    for (const process of [0, 1, 1, 0, 0]) expect(await passes(process, agent, cost)).toBe(true);
    await raw.flushall();
    // The second knows of three calls, the first of all five.
    const after = [];
    for (const process of [1, 0, 1, 0, 1, 0, 1, 0]) after.push(await passes(process, agent, cost));
    // One more than the budget: the call of the process that knew less, before the other spoke.
    expect(after.filter(Boolean)).toHaveLength(6);
    expect(lost).toEqual([[agent], [agent]]);
  });

  test("a loss is told also when the answer to the call that put the counters back gets lost", async () => {
    const { raw, lost, answers, passes } = await subject(2);
    const agent = unique("agent");
    for (const process of [0, 1]) expect(await passes(process, agent, daily(4))).toBe(true);
    await raw.flushall();
    answers.getLost = true;
    await expect(passes(1, agent, daily(4))).rejects.toThrow(StoreUnavailable);
    answers.getLost = false;
    expect(lost).toEqual([[], []]);
    // Two calls before, and the one without an answer.
    const after = [];
    for (const process of [1, 0, 1, 0]) after.push(await passes(process, agent, daily(4)));
    expect(after).toEqual([true, false, false, false]);
    expect(lost).toEqual([[agent], [agent]]);
  });

  test("a session's budget and a rate go on", async () => {
    const { raw, lost, passes } = await subject(1);
    const agent = unique("agent");
    const charge: Charge = {
      rate: { intervalUs: 3_600_000_000, burst: 3 },
      sessionBudget: { session: "s", limitMicro: 10, costMicro: 4, ttlMs: 3_600_000 },
    };
    expect(await passes(0, agent, charge)).toBe(true);
    expect(await passes(0, agent, charge)).toBe(true);
    await raw.flushall();
    expect(await passes(0, agent, charge)).toBe(false);
    expect(await passes(0, agent, { rate: { intervalUs: 3_600_000_000, burst: 3 } })).toBe(true);
    expect(await passes(0, agent, { rate: { intervalUs: 3_600_000_000, burst: 3 } })).toBe(false);
    expect(lost).toEqual([[agent]]);
  });

  test("an older copy of the counters counts as a loss", async () => {
    const { raw, lost, passes } = await subject(1);
    const agent = unique("agent");
    const key = `countersign:{${agent}}:limits`;
    for (let n = 0; n < 3; n++) await passes(0, agent, daily(10));
    const copy = await raw.dumpBuffer(key);
    const ttl = await raw.pttl(key);
    for (let n = 0; n < 5; n++) await passes(0, agent, daily(10));
    await raw.restore(key, ttl, copy, "REPLACE");
    let passed = 0;
    for (let n = 0; n < 10; n++) if (await passes(0, agent, daily(10))) passed += 1;
    expect(passed).toBe(2);
    expect(lost).toEqual([[agent]]);
  });

  test("lower limits, and counters that the server forgot in time, are none", async () => {
    const { raw, lost, passes } = await subject(1);
    const [agent, quick] = [unique("agent"), unique("agent")];
    for (let n = 0; n < 10; n++) await passes(0, agent, { ...daily(100), rate: { intervalUs: 1_000_000, burst: 20 } });
    for (let n = 0; n < 3; n++) await passes(0, agent, { ...daily(5), rate: { intervalUs: 1000, burst: 1 } });
    const key = `countersign:{${quick}}:limits`;
    const rate = { rate: { intervalUs: 2_000, burst: 5 } };
    const calls = Date.now() + 3_000;
    let forgotten = 0;
    while (Date.now() < calls) {
      for (let n = 0; n < 4; n++) await passes(0, quick, rate);
      await sleep(Math.floor(Math.random() * 12));
      if ((await raw.exists(key)) === 0) forgotten += 1;
    }
    await until(async () => (await raw.exists(key)) === 0, { what: "the counters to be forgotten" });
    await passes(0, quick, rate);
    expect(forgotten).toBeGreaterThan(0);
    expect(lost).toEqual([[]]);
  });
});
