import fc from "fast-check";
import { UnreadableReply } from "../../src/store/redis/forms.js";
import { keysUnder } from "../../src/store/redis/keys.js";
import { Place } from "../../src/store/redis/place.js";
import { parsePlain } from "../../src/store/redis/plain.js";
import { scripts } from "../../src/store/redis/scripts.js";
import { type SettleRequest, StoreUnavailable } from "../../src/store/store.js";
import { findRedis, redisProgram } from "../harness/find_redis.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { seen } from "./conformance_sessions.js";
import { cleanUp, connected, connectionOf, generousMs, ownServer, recovered, refusedWithin } from "./redis_fixture.js";
import { redisSubject } from "./redis_subject.js";
import { callOf } from "./subject.js";

/** Commands that go out as they are written, and what comes of them. */
const program = await requirePart("redis-server", redisProgram);
const part = await requirePart("Redis", findRedis);

afterAll(async () => {
  await cleanUp();
  if ("value" in part) await part.value.stop();
});

const rate = { intervalUs: 60_000_000, burst: 100_000 };
const ordinary = (agent: string, session = `ses-${agent}`): SettleRequest =>
  callOf(agent, { rate }, { observation: seen({ session }) });

describeWith(program, "faults", () => {
  test("a server that stops answering fails all calls within the wait, and the connection is given up", async () => {
    const server = await ownServer();
    const store = await connected(server.url);
    const { raw, end, store: quiet } = await redisSubject(server.url);
    await quiet.close();
    await store.settle(ordinary("a"));
    const before = await connectionOf(raw);
    await server.controls.pause();
    const began = performance.now();
    const calls = await Promise.allSettled(Array.from({ length: 1000 }, () => store.settle(ordinary("a"))));
    expect(performance.now() - began).toBeLessThan(generousMs + 20_000);
    for (const call of calls) expect(call).toMatchObject({ status: "rejected", reason: expect.any(StoreUnavailable) });
    await refusedWithin(generousMs, () => store.settle(ordinary("a")));
    await server.controls.resume();
    await recovered(store);
    expect((await store.settle(ordinary("b"))).enforced).toEqual({ outcome: "ok" });
    expect(await connectionOf(raw)).not.toBe(before);
    await end();
  }, 30_000);

  test("one after the other, each is refused after its own wait", async () => {
    const server = await ownServer();
    const store = await connected(server.url);
    await store.settle(ordinary("a"));
    await server.controls.pause();
    const first = refusedWithin(generousMs, () => store.settle(ordinary("a")));
    await new Promise((resolve) => setTimeout(resolve, 150));
    await Promise.all([first, refusedWithin(generousMs, () => store.settle(ordinary("a")))]);
    await server.controls.resume();
  }, 30_000);

  test("what is under way when the connection breaks is refused, and nothing of it is sent again", async () => {
    const server = await ownServer();
    const store = await connected(server.url, { waitMs: 10_000 });
    await store.settle(ordinary("a"));
    await server.controls.pause();
    const calls = Promise.allSettled(Array.from({ length: 50 }, () => store.settle(ordinary("a"))));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server.controls.kill();
    for (const call of await calls) {
      expect(call).toMatchObject({ status: "rejected", reason: expect.any(StoreUnavailable) });
    }
    await server.controls.restart();
    await recovered(store);
    const { counters } = await store.settle(ordinary("a"));
    expect(counters?.charges).toBe(1);
  }, 30_000);

  test("a script that was flushed is sent again, and each call counts once", async () => {
    const server = await ownServer();
    const store = await connected(server.url, { waitMs: 5_000 });
    const { raw, end } = await redisSubject(server.url);
    for (let n = 1; n <= 3; n++) {
      await raw.script("FLUSH");
      expect((await store.settle(ordinary("a"))).counters?.charges).toBe(n);
    }
    await end();
  }, 30_000);
});

describeWith(part, "answers", (use) => {
  test("each of many calls at once gets its own, whatever else is asked meanwhile", async () => {
    const store = await connected(use().url, { waitMs: 20_000, prefix: "written:" });
    const agents = Array.from({ length: 30 }, (_, n) => `agent-${n}`);
    const asked = agents.flatMap((agent, n) =>
      Array.from({ length: n + 1 }, async () => {
        const [{ session }, { session: looked }] = await Promise.all([
          store.settle(ordinary(agent)),
          store.look({ agent, session: "none", tool: null, learningMs: 0, approval: null }),
        ]);
        expect(looked).toBeNull();
        return session?.tools;
      }),
    );
    await Promise.all(asked);
    for (const [n, agent] of agents.entries()) {
      const { counters, session } = await store.settle(ordinary(agent));
      expect(counters?.charges).toBe(n + 2);
      expect(session).toMatchObject({ calls: n + 1, passed: n + 1 });
    }
  }, 30_000);

  test("agents with a session of the same name are told of their own", async () => {
    const store = await connected(use().url, { waitMs: 20_000, prefix: "same:" });
    for (let n = 0; n < 4; n++) {
      for (const agent of ["a", "b"]) {
        const observation = seen({ session: "ses", tool: `tool-${agent}` });
        const { session } = await store.settle(callOf(agent, { rate }, { observation }));
        expect(session?.tools).toEqual(n === 0 ? undefined : [`tool-${agent}`]);
        expect(session?.calls).toBe(n === 0 ? undefined : n);
      }
    }
  }, 30_000);
});

describe("replies", () => {
  const place = (): Place => new Place("agent", "ses", keysUnder("p:"), scripts.settlePlain);
  const name = fc.string({ unit: "binary", minLength: 1, maxLength: 8 });
  const session = fc.record({
    tools: fc.uniqueArray(name, { maxLength: 3 }),
    classes: fc.uniqueArray(name, { maxLength: 3 }),
  });
  const count = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

  const fieldsOf = ({ tools, classes }: { tools: string[]; classes: string[] }, of: (name: string) => string) => [
    ...["started_ms", "5", "last_ms", of("last_ms"), "known", "{}", "calls", of("calls"), "passed", of("passed")],
    ...tools.flatMap((tool) => [`t:${tool}`, "1"]),
    ...classes.flatMap((one) => [`c:${one}`, "1"]),
  ];

  test("one place that is told again and again reads what a new one reads", () => {
    const told = place();
    const numbers = fc.tuple(
      count,
      count,
      fc.option(count),
      count,
      count,
      count,
      fc.option(count),
      count,
      count,
      count,
    );
    const one = fc.record({ numbers, session, unbound: fc.option(session, { freq: 2 }) });
    const property = fc.property(fc.array(one, { minLength: 1, maxLength: 4 }), (replies) => {
      for (const { numbers, session, unbound } of [...replies, ...replies]) {
        const other = unbound && JSON.stringify(fieldsOf(unbound, () => "3"));
        const text = `${numbers.map((n) => n ?? "").join(",")}\n${JSON.stringify(fieldsOf(session, () => ""))}\n${other ?? ""}`;
        const reply = Buffer.from(text);
        const read = parsePlain(reply, told);
        expect(read).toEqual(parsePlain(reply, place()));
        const [nowMs, charges, tatUs, day, spentMicro, keptUntilMs, lostAtMs, lastMs, calls, passed] = numbers;
        expect(read.counters).toMatchObject({ nowMs, charges, tatUs, day, spentMicro, keptUntilMs, lostAtMs });
        expect(read.session).toMatchObject({ startedMs: 5, lastMs, calls, passed, tools: [...session.tools].sort() });
      }
    });
    fc.assert(property, { numRuns: 300 });
  });

  const good = `1,2,3,4,5,6,7,8,9,10\n${JSON.stringify(fieldsOf({ tools: ["x"], classes: [] }, () => ""))}\n`;

  test.each([
    ["nothing", ""],
    ["a number less", good.replace("1,2", "2")],
    ["a number more", `1,${good}`],
    ["a number that is missing", good.replace("1,2", "1,")],
    ["a number below zero", good.replace("1,2", "1,-2")],
    ["a number that is not exact", good.replace("1,2", "1,9007199254740993")],
    ["a number without end", good.replace("1,2", `1,${"0".repeat(40)}2`)],
    ["a fraction", good.replace("1,2", "1,2.5")],
    ["no session", "1,2,3,4,5,6,7,8,9,10\n[]\n"],
    ["no line for the other one", good.trimEnd()],
    ["a line more", `${good}\n`],
    ["another field that is no number", good.replace('"5"', '"x"')],
  ])("%s is refused", (_, text) => {
    expect(() => parsePlain(Buffer.from(good), place())).not.toThrow();
    expect(() => parsePlain(Buffer.from(text), place())).toThrow(UnreadableReply);
  });

  test("whatever a server says, it is read or refused", () => {
    const mutated = fc.tuple(fc.nat(good.length - 1), fc.string({ unit: "binary", maxLength: 3 }));
    const property = fc.property(mutated, ([at, put]) => {
      const text = good.slice(0, at) + put + good.slice(at + 1);
      try {
        expect(parsePlain(Buffer.from(text), place()).enforced).toEqual({ outcome: "ok" });
      } catch (error) {
        expect(error instanceof UnreadableReply || error instanceof SyntaxError).toBe(true);
      }
    });
    fc.assert(property, { numRuns: 1000 });
  });
});
