import { inspect } from "node:util";
import { Redis } from "ioredis";
import { systemRuntime } from "../../src/runtime.js";
import { openStore } from "../../src/store/open.js";
import { StoreUnavailable } from "../../src/store/store.js";
import { findRedis, redisProgram } from "../harness/find_redis.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { startRedisServer } from "../harness/redis.js";
import { until } from "../harness/until.js";
import {
  cleanUp,
  connected,
  connectionOf,
  generousMs,
  hourly,
  ownServer,
  recovered,
  refusedWithin,
  waitMs,
} from "./redis_fixture.js";
import { redisSubject } from "./redis_subject.js";
import { answerOf, callOf, draftOf, open } from "./subject.js";

const part = await requirePart("Redis", findRedis);
const program = await requirePart("redis-server", redisProgram);

afterAll(async () => {
  await cleanUp();
  if ("value" in part) await part.value.stop();
});

describeWith(part, "failures", () => {
  test("killed and started again: refused within the wait, then working, with the same store", async () => {
    const server = await ownServer();
    const store = await connected(server.url);
    await store.ping();
    await server.controls.kill();
    await refusedWithin(generousMs, () => store.settle(callOf("a", hourly)));
    await refusedWithin(generousMs, () => store.ping());
    await refusedWithin(generousMs, () => store.approvals({ limit: 1 }));
    await refusedWithin(generousMs, () => store.answer("x", answerOf("alice", "deny")));
    const many = await Promise.allSettled(Array.from({ length: 500 }, () => store.ping()));
    expect(many.every(({ status }) => status === "rejected")).toBe(true);
    await server.controls.restart();
    await recovered(store);
    expect((await store.settle(callOf("a", hourly))).enforced).toEqual({ outcome: "ok" });
    expect((await store.settle(callOf("a", hourly))).enforced).toMatchObject({ outcome: "rate_exceeded" });
  });

  test("a call made while the connection is coming back waits for it", async () => {
    const server = await ownServer();
    const store = await connected(server.url, { waitMs: 10_000 });
    await server.controls.kill();
    // The very first call may still be sent before the end of the old connection is seen.
    const waiting = store.settle(callOf("a", hourly)).catch(() => store.settle(callOf("a", hourly)));
    await server.controls.restart();
    expect((await waiting).enforced).toEqual({ outcome: "ok" });
  });

  test("stopped without closing its sockets: refused within the wait, then working", async () => {
    const server = await ownServer();
    const store = await connected(server.url);
    await store.ping();
    await server.controls.pause();
    await refusedWithin(generousMs, () => store.settle(callOf("a", hourly)));
    for (let n = 0; n < 3; n++) await refusedWithin(generousMs, () => store.ping());
    await refusedWithin(generousMs, () => store.approvals({ limit: 1 }));
    await server.controls.resume();
    await recovered(store);
    expect((await store.settle(callOf("b", hourly))).enforced).toEqual({ outcome: "ok" });
  });

  test("a connection that fell silent is given up for a new one", async () => {
    const { url, controls } = await ownServer();
    const { raw, end, store: quiet } = await redisSubject(url);
    await quiet.close();
    const store = await connected(url);
    const before = await connectionOf(raw);
    expect(before).toBeDefined();
    await store.ping();
    expect(await connectionOf(raw)).toBe(before);
    await controls.pause();
    await refusedWithin(generousMs, () => store.ping());
    await controls.resume();
    await recovered(store);
    const after = await connectionOf(raw);
    expect(after).toBeDefined();
    expect(after).not.toBe(before);
    await end();
  });

  test("a server that stops answering under many calls fails them all within the wait", async () => {
    const server = await ownServer();
    const store = await connected(server.url);
    await server.controls.pause();
    const before = performance.now();
    const calls = await Promise.allSettled(Array.from({ length: 1000 }, () => store.settle(callOf("a", hourly))));
    expect(performance.now() - before).toBeLessThan(generousMs + 20_000);
    for (const call of calls) expect(call).toMatchObject({ status: "rejected", reason: expect.any(StoreUnavailable) });
    await server.controls.resume();
    await recovered(store);
  });

  test("scripts that were flushed are sent again", async () => {
    const { url } = await ownServer();
    const store = await connected(url);
    const { raw, end } = await redisSubject(url);
    const draft = draftOf("a");
    await open(store, draft);
    await raw.script("FLUSH");
    expect((await store.settle(callOf("a", hourly))).enforced).toEqual({ outcome: "ok" });
    await raw.script("FLUSH");
    expect(await store.answer(draft.id, answerOf("alice", "approve"))).toMatchObject({ outcome: "approved" });
    await raw.script("FLUSH");
    expect(await store.approval(draft.id)).toMatchObject({ status: "approved" });
    await end();
  });

  test("a server that turns replica refuses, and works again as primary", async () => {
    const { url } = await ownServer();
    const store = await connected(url);
    const { raw, end, store: quiet } = await redisSubject(url);
    await quiet.close();
    const before = await connectionOf(raw);
    await raw.replicaof("127.0.0.1", "1");
    await refusedWithin(generousMs, () => store.settle(callOf("a", hourly)));
    await refusedWithin(generousMs, () => store.ping());
    await raw.replicaof("NO", "ONE");
    await recovered(store);
    expect((await store.settle(callOf("a", hourly))).enforced).toEqual({ outcome: "ok" });
    // The name of the server may lead to another one after a failover.
    expect(await connectionOf(raw)).not.toBe(before);
    await end();
  });

  test("a full server refuses before it has written anything", async () => {
    const { url } = await ownServer();
    const store = await connected(url);
    const { raw, end } = await redisSubject(url);
    await raw.config("SET", "maxmemory", "1");
    await refusedWithin(generousMs, () => store.settle(callOf("a", hourly)));
    const draft = draftOf("a");
    await refusedWithin(generousMs, () => open(store, draft));
    expect(await raw.keys("*approval:*")).toEqual([]);
    await raw.config("SET", "maxmemory", "0");
    expect(await open(store, draft)).toMatchObject({ replayed: false, approval: { outcome: "opened", fresh: true } });
    expect((await store.settle(callOf("a", hourly))).enforced).toEqual({ outcome: "ok" });
    await end();
  });

  test("a closed store is unavailable, also while the server is down", async () => {
    const server = await ownServer();
    const store = await connected(server.url);
    const other = await connected(server.url);
    await store.close();
    await refusedWithin(generousMs, () => store.ping());
    await server.controls.kill();
    await expect(other.ping()).rejects.toThrow(StoreUnavailable);
    await other.close();
    await other.close();
    await refusedWithin(generousMs, () => other.ping());
  });
});

describeWith(program, "a server that loads its data", (use) => {
  test("is refused until it has, and then counts on", async () => {
    // Slow enough to be met, and it answers in between as one with very much data does.
    const slowly = { "key-load-delay": "10000", "loading-process-events-interval-bytes": "1024" };
    const server = await startRedisServer(use(), { rdbcompression: "no", ...slowly });
    const store = await connected(server.url);
    const raw = new Redis(server.url, { enableReadyCheck: false, retryStrategy: () => 20, maxRetriesPerRequest: null });
    raw.on("error", () => {});
    try {
      expect((await store.settle(callOf("a", hourly))).enforced).toEqual({ outcome: "ok" });
      for (let n = 0; n < 300; n++) await raw.set(`filler:${n}`, "x".repeat(100));
      await raw.save();
      await server.controls.kill();
      const loaded = server.controls.restart();
      await until(
        () =>
          raw.ping().then(
            () => false,
            ({ message }: Error) => message.startsWith("LOADING"),
          ),
        {
          what: "a server that loads",
          everyMs: 5,
        },
      );
      await refusedWithin(generousMs, () => store.settle(callOf("a", hourly)));
      await loaded;
      await recovered(store);
      expect((await store.settle(callOf("a", hourly))).enforced).toMatchObject({ outcome: "rate_exceeded" });
    } finally {
      raw.disconnect();
      await store.close();
      await server.stop();
    }
  });
});

describeWith(part, "at start", () => {
  test("a password works, and a wrong one is told without being shown", async () => {
    const { url } = await ownServer();
    const { raw, end } = await redisSubject(url);
    await raw.config("SET", "requirepass", "s3cret");
    const at = (password: string) => url.replace("//", `//:${password}@`).replace(/0$/, "2");
    await (await connected(at("s3cret"))).ping();
    const troubles: Error[] = [];
    const failure = await openStore(at("wr0ng"), {
      runtime: systemRuntime,
      waitMs,
      onTrouble: (error) => troubles.push(error),
    }).then(
      () => null,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(StoreUnavailable);
    expect(String(failure)).toContain("WRONGPASS");
    expect(troubles.length).toBeGreaterThan(0);
    expect(inspect([failure, ...troubles], { depth: 10 })).not.toMatch(/wr0ng|s3cret/);
    await end();
  });

  test("nobody there is an error that names the address", async () => {
    const server = await ownServer();
    await server.controls.kill();
    const { host } = new URL(server.url);
    const text = new RegExp(`${host} cannot be used: no connection within 3000 ms: .*ECONNREFUSED`);
    await expect(connected(server.url)).rejects.toThrow(text);
  });
});
