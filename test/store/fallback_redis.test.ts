import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { type Charge, StoreUnavailable } from "../../src/store/store.js";
import { findRedis } from "../harness/find_redis.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { until } from "../harness/until.js";
import { type FallbackSubject, fallbackOver, lookAt, seenCall } from "./fallback_subject.js";
import { cleanUp, connected, ownServer } from "./redis_fixture.js";
import { callOf, unique } from "./subject.js";

const part = await requirePart("Redis", findRedis);
/** A machine that is busy must not look like a server that is away. */
const waitMs = 3_000;
const opened: FallbackSubject[] = [];
const daily = (limitMicro: number, costMicro = 1): Charge => ({ budget: { limitMicro, costMicro } });

afterAll(async () => {
  for (const { store } of opened) await store.close();
  await cleanUp();
  if ("value" in part) await part.value.stop();
});

/** Processes over a server of the test's own. */
async function subject(processes: number, fraction: number) {
  const { url, controls } = await ownServer();
  const all: FallbackSubject[] = [];
  for (let n = 0; n < processes; n++) {
    all.push(fallbackOver(await connected(url, { waitMs }), { fraction, waitMs }));
  }
  opened.push(...all);
  /** Calls of all processes in turn, at most `atOnce` at a time; how many passed, and how many of them without the server. */
  const passing = async (agent: string, charge: Charge, calls: number, atOnce = 1) => {
    const passed = { stored: 0, local: 0 };
    const one = async (n: number) => {
      const observation = seenCall("s", `${n}`);
      try {
        const result = await all[n % processes]?.store.settle(callOf(agent, charge, { observation }));
        if (result?.enforced.outcome === "ok") passed[result.local ? "local" : "stored"] += 1;
      } catch (error) {
        // Who calls without a pause while the server is away uses up the room for what it is to be told.
        if (!(error instanceof StoreUnavailable)) throw error;
        await sleep(20);
      }
    };
    for (let n = 0; n < calls; n += atOnce) {
      await Promise.all(Array.from({ length: Math.min(atOnce, calls - n) }, (_, more) => one(n + more)));
    }
    return passed;
  };
  const untilAway = () =>
    until(
      () =>
        Promise.all(
          all.map(async ({ store, trouble }) => {
            await store.settle(callOf(unique("other"), {}));
            return trouble() !== null;
          }),
        ).then((away) => away.every(Boolean)),
      { what: "all processes to know that the server is away" },
    );
  const untilBack = () =>
    until(() => all.every(({ trouble }) => trouble() === null), { what: "all processes to be back" });
  return { all, controls, passing, untilAway, untilBack };
}

describeWith(part, "a server that is away", () => {
  test("paused: exactly the share of each process passes, and afterwards exactly what was left of the limit", async () => {
    const { all, controls, passing, untilAway, untilBack } = await subject(2, 0.2);
    const agent = unique("agent");
    const limit = 100;
    expect(await passing(agent, daily(limit), 30)).toEqual({ stored: 30, local: 0 });
    await controls.pause();
    await untilAway();
    const before = performance.now();
    expect(await passing(agent, daily(limit), 200, 20)).toEqual({ stored: 0, local: 2 * 20 });
    expect(performance.now() - before).toBeLessThan(9 * waitMs);
    await controls.resume();
    await untilBack();
    expect(await passing(agent, daily(limit), 200)).toEqual({ stored: 70, local: 0 });
    await controls.pause();
    await untilAway();
    expect(await passing(agent, daily(limit), 200)).toEqual({ stored: 0, local: 0 });
    await controls.resume();
    await untilBack();
    const look = await all[1]?.store.look(lookAt(agent, "s"));
    // Of the calls that its share did not cover each process tells one.
    expect(look?.session).toMatchObject({ calls: 30 + (40 + 2) + 200 + 2, passed: 30 + 40 + 70 });
    for (const { counts } of all) expect(counts).toMatchObject({ waiting: 0, dropped: 0 });
  });

  test("killed and started again, empty: the limit once, and the share of the process", async () => {
    const { all, controls, passing, untilAway, untilBack } = await subject(1, 0.5);
    const agent = unique("agent");
    expect(await passing(agent, daily(40), 10)).toEqual({ stored: 10, local: 0 });
    await controls.kill();
    await untilAway();
    expect(await passing(agent, daily(40), 5)).toEqual({ stored: 0, local: 5 });
    await controls.restart();
    await untilBack();
    expect(await passing(agent, daily(40), 15)).toEqual({ stored: 15, local: 0 });
    await controls.kill();
    await untilAway();
    // Of its share of 20 it gave out 5, and 15 are known to be left of the whole.
    expect(await passing(agent, daily(40), 50)).toEqual({ stored: 0, local: 10 });
    await controls.restart();
    await untilBack();
    expect(await passing(agent, daily(40), 50)).toEqual({ stored: 15, local: 0 });
    expect(all[0]?.events.filter((event) => event.startsWith("lost"))).toEqual([`lost ${agent}`, `lost ${agent}`]);
  });

  test("rates: each process lets its share through, and at least one call", async () => {
    const { controls, passing, untilAway } = await subject(2, 0.25);
    const hourly = (burst: number): Charge => ({ rate: { intervalUs: 3_600_000_000, burst } });
    await controls.kill();
    await untilAway();
    expect(await passing(unique("agent"), hourly(12), 60, 10)).toEqual({ stored: 0, local: 2 * 3 });
    expect(await passing(unique("agent"), hourly(3), 60, 10)).toEqual({ stored: 0, local: 2 * 1 });
  });

  test("faults under load: no more passes than the limit and the shares, and nothing that was seen is forgotten", async () => {
    const { all, controls, passing, untilAway, untilBack } = await subject(2, 0.1);
    const agents = Array.from({ length: 4 }, () => unique("agent"));
    const limit = 400;
    const sums = { stored: 0, local: 0 };
    const passedOf = new Map<string, number>();
    let going = true;
    const load = async (agent: string) => {
      const passed = { stored: 0, local: 0 };
      while (going) {
        const { stored, local } = await passing(agent, daily(limit), 8, 8);
        // Without the server nothing waits for anything else.
        await setImmediate();
        passed.stored += stored;
        passed.local += local;
      }
      expect(passed.stored).toBeLessThanOrEqual(limit);
      expect(passed.local).toBeLessThanOrEqual(2 * limit * 0.1);
      passedOf.set(agent, passed.stored + passed.local);
      sums.stored += passed.stored;
      sums.local += passed.local;
    };
    const loads = agents.map(load);
    for (let n = 0; n < 3; n++) {
      await controls.pause();
      await untilAway();
      await controls.resume();
      await untilBack();
    }
    going = false;
    await Promise.all(loads);
    await untilBack();
    for (const agent of agents) sums.stored += (await passing(agent, daily(limit), limit + 1, 8)).stored;
    const bound = agents.length * limit * (1 + 2 * 0.1);
    const passed = sums.stored + sums.local;
    process.stdout.write(`faults under load: ${passed} calls passed, ${bound - passed} fewer than the bound\n`);
    expect(sums.stored).toBeLessThanOrEqual(agents.length * limit);
    for (const agent of agents) {
      const look = await all[0]?.store.look(lookAt(agent, "s"));
      expect(look?.session?.passed).toBeGreaterThanOrEqual(passedOf.get(agent) ?? Number.NaN);
    }
    for (const { counts } of all) expect(counts).toMatchObject({ waiting: 0, dropped: 0 });
    expect(sums.stored).toBeGreaterThan(0);
  });

  test("what sessions have to remember arrives in order, also of those who call no more", async () => {
    const { all, controls, untilAway, untilBack } = await subject(1, 1);
    const [one] = all;
    if (!one) throw new Error("no process");
    const agents = [unique("agent"), unique("agent")];
    await controls.kill();
    await untilAway();
    for (let n = 0; n < 15; n++) {
      for (const agent of agents) {
        const observation = seenCall("s", `${agent} ${n}`, { outcome: "refused", refusal: "max_replicas" });
        await one.store.settle(callOf(agent, {}, { observation }));
      }
    }
    await controls.restart();
    await untilBack();
    for (const agent of agents) {
      const { session } = await one.store.look(lookAt(agent, "s"));
      expect(session?.recent.map(({ detail }) => detail)).toEqual(
        Array.from({ length: 15 }, (_, n) => `${agent} ${n}`),
      );
      expect(session).toMatchObject({ calls: 15, refused: 15 });
    }
  });

  test("a dirty session is dirty at the first look after the server is back", async () => {
    const { all, controls, untilAway } = await subject(1, 1);
    const [one] = all;
    if (!one) throw new Error("no process");
    const agent = unique("agent");
    await controls.pause();
    await untilAway();
    for (let n = 0; n < 200; n++) await one.store.settle(callOf(agent, {}, { observation: seenCall("s", `${n}`) }));
    const tags = { tags: ["pii"], indicators: ["prompt_injection" as const] };
    await one.store.settle(callOf(agent, {}, { observation: seenCall("s", "last", tags) }));
    await controls.resume();
    const look = await until(() => one.store.look(lookAt(agent, "s")), { what: "the first answer", everyMs: 1 });
    expect(look.session).toMatchObject({ calls: 201, classification: ["pii"], indicators: { prompt_injection: 1 } });
  });
});
