import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import type { Redis } from "ioredis";
import { systemRuntime } from "../../src/runtime.js";
import { openStore } from "../../src/store/open.js";
import { answerCodes, approvalCodes, limitCodes, statusCodes } from "../../src/store/redis/replies.js";
import { maxScanned, type Store, StoreUnavailable } from "../../src/store/store.js";
import { findRedis, startRedis } from "../harness/find_redis.js";
import { describeWith, requirePart } from "../harness/parts.js";
import type { OwnRedis } from "../harness/redis.js";
import { until } from "../harness/until.js";
import { conformance } from "./conformance.js";
import { type RedisSubject, redisSubject } from "./redis_subject.js";
import { answerOf, callOf, draftOf, open, redeem, unique } from "./subject.js";

const waitMs = 300;
/** Room for a machine that is busy with other tests; far below what an unbounded wait would take. */
const generousMs = waitMs + 1500;
const hourly = { rate: { intervalUs: 3_600_000_000, burst: 1 } };

const part = await requirePart("Redis", findRedis);
const started: OwnRedis[] = [];
const opened: Store[] = [];

/** A server that a test may kill; never the one in `$REDIS_URL`. */
async function ownServer(): Promise<OwnRedis> {
  const server = await startRedis();
  started.push(server);
  return server;
}

async function connected(url: string): Promise<Store> {
  const store = await openStore(url, { runtime: systemRuntime, waitMs });
  opened.push(store);
  return store;
}

afterAll(async () => {
  for (const store of opened) await store.close();
  for (const server of started) await server.stop();
  if ("value" in part) await part.value.stop();
});

async function refusedWithin(ms: number, work: () => Promise<unknown>): Promise<void> {
  const before = performance.now();
  await expect(work()).rejects.toThrow(StoreUnavailable);
  expect(performance.now() - before).toBeLessThan(ms);
}

/** Works again by itself, with the same store. */
async function recovered(store: Store): Promise<void> {
  await until(async () => store.ping().then(() => true), { what: "the store to come back" });
}

/** The server's number for the connection of the one store that is connected to it. */
async function connectionOf(raw: Redis): Promise<string | undefined> {
  return /^id=(\d+) .*name=countersign /m.exec(String(await raw.client("LIST")))?.[1];
}

describeWith(part, "conformance", (use) => {
  conformance(async () => redisSubject(use().url), 60);
});

describeWith(part, "keys and replies", (use) => {
  let subject: RedisSubject;
  beforeAll(async () => {
    subject = await redisSubject(use().url);
  });
  afterAll(() => subject.end());

  test("is shared: two stores count together", async () => {
    expect(subject.store.shared).toBe(true);
    const { store, prefix } = subject;
    const other = await openStore(use().url, { runtime: systemRuntime, waitMs: 5000, prefix });
    opened.push(other);
    const agent = unique("agent");
    expect((await store.settle(callOf(agent, hourly))).enforced).toEqual({ outcome: "ok" });
    expect((await other.settle(callOf(agent, hourly))).enforced).toMatchObject({ outcome: "rate_exceeded" });
  });

  test("every key has an end, and an agent's keys have its hash tag", async () => {
    const agent = unique("a}b{:");
    const { store, raw, prefix } = subject;
    const charge = { ...hourly, budget: { limitMicro: 9, costMicro: 1 } };
    await store.settle(callOf(agent, charge, { shadow: charge }));
    await open(store, draftOf(agent));
    await store.ping();
    const found = [...(await subject.keys(agent)), ...(await subject.keys()).filter((key) => !key.includes("{"))];
    const keys = found.map((key) => key.slice(prefix.length));
    const kinds = keys.map((key) =>
      key.replace(/^\{[^{}]*\}/, "{}").replace(/(:(settled|pending|approval)|^approval):.*/, "$1:"),
    );
    expect(new Set(kinds)).toEqual(
      new Set([
        "{}:limits",
        "{}:shadow",
        "{}:settled:",
        "{}:approval:",
        "{}:pending:",
        "{}:waiting",
        "{}:approvals",
        "approval:",
        "approvals",
        "ping",
      ]),
    );
    const tags = new Set(keys.flatMap((key) => /\{(.*?)\}/.exec(key)?.[1] ?? []));
    expect(tags).toEqual(new Set([encodeURIComponent(agent)]));
    for (const key of keys) expect(await raw.pttl(prefix + key)).toBeGreaterThan(0);
  });

  test("in real time, calls pass no faster than the rate", async () => {
    const agent = unique("agent");
    const rate = { intervalUs: 20_000, burst: 3 };
    const before = performance.now();
    let passed = 0;
    let refused = 0;
    let last: number;
    do {
      const { enforced } = await subject.store.settle(callOf(agent, { rate }));
      last = performance.now() - before;
      if (enforced.outcome === "ok") passed += 1;
      else {
        refused += 1;
        expect(enforced.retryAfterMs).toBeGreaterThanOrEqual(1);
        expect(enforced.retryAfterMs).toBeLessThanOrEqual(20);
      }
    } while (last < 400);
    expect(refused).toBeGreaterThan(0);
    expect(passed).toBeGreaterThan(3);
    expect(passed).toBeLessThanOrEqual(3 + last / 20);
  });

  test.each([
    ["tat_us", "soon"],
    ["tat_us", "1e30"],
    ["tat_us", "nan"],
    ["day", "0x10"],
    ["day", ""],
  ])("a counter that is no number is an error, not a zero: %s = %p", async (field, value) => {
    const agent = unique("agent");
    await subject.raw.hset(`${subject.prefix}{${agent}}:limits`, field, value);
    await subject.raw.pexpire(`${subject.prefix}{${agent}}:limits`, 60_000);
    const budget = { limitMicro: 1, costMicro: 1 };
    await expect(subject.store.settle(callOf(agent, { ...hourly, budget }))).rejects.toThrow(StoreUnavailable);
  });

  test.each([
    ["a word for another key", "status", "maybe"],
    ["a draft that is not JSON", "draft", "{"],
    ["a draft with more in it", "draft", JSON.stringify({ id: "x" })],
    ["a time that is none", "expires_ms", "later"],
    ["answers that are not there", "answers", "3"],
  ])("an approval that was tampered with is an error: %s", async (_, field, value) => {
    const draft = draftOf(unique("agent"));
    await open(subject.store, draft);
    await subject.raw.hset(`${subject.prefix}{${draft.agent}}:approval:${draft.id}`, field, value);
    await expect(subject.store.approval(draft.id)).rejects.toThrow(StoreUnavailable);
    const other = draftOf(draft.agent);
    await open(subject.store, other);
    subject.troubles.length = 0;
    const listed = await subject.store.approvals({ agent: draft.agent, limit: 10 });
    expect(listed.map(({ id }) => id)).toEqual([other.id]);
    expect(subject.troubles).toEqual([expect.stringMatching(/^1 approvals are left out of a list: /)]);
    await subject.raw.del(`${subject.prefix}{${draft.agent}}:approval:${draft.id}`);
    expect(await subject.store.approval(draft.id)).toBeNull();
  });

  test("a pending approval that outlived its time is not joined", async () => {
    const draft = draftOf(unique("agent"));
    await open(subject.store, draft);
    const pending = `${subject.prefix}{${draft.agent}}:pending:${draft.fingerprint}`;
    await subject.raw.hset(pending, "expires_ms", String(Date.now() - 60_000));
    expect((await open(subject.store, { ...draft, id: unique("apr") })).approval).toMatchObject({ fresh: true });
  });

  test("one approval cannot stand in for another", async () => {
    const [a, b] = [draftOf(unique("agent")), draftOf(unique("agent"))];
    await open(subject.store, a);
    await open(subject.store, b);
    const key = ({ agent, id }: { agent: string; id: string }) => `${subject.prefix}{${agent}}:approval:${id}`;
    await subject.raw.hset(key(a), await subject.raw.hgetall(key(b)));
    await expect(subject.store.approval(a.id)).rejects.toThrow("another");
    await subject.raw.del(key(a), key(b));
  });

  test("the list drops ids whose approval is gone", async () => {
    const draft = draftOf(unique("agent"));
    await open(subject.store, draft);
    const gone = JSON.stringify(["nobody", "gone"]);
    await subject.raw.zadd(`${subject.prefix}approvals`, Date.now() + 1000, gone);
    await subject.raw.del(`${subject.prefix}{${draft.agent}}:approval:${draft.id}`);
    const listed = (await subject.store.approvals({ limit: 1000 })).map(({ id }) => id);
    expect(listed).not.toContain(draft.id);
    expect(await subject.raw.zscore(`${subject.prefix}approvals`, gone)).toBeNull();
    expect(await subject.raw.zscore(`${subject.prefix}approvals`, JSON.stringify([draft.agent, draft.id]))).toBeNull();
  });

  test("an entry of the list that is no entry, or leads to a key of another kind, is left out", async () => {
    const draft = draftOf(unique("agent"));
    await open(subject.store, draft);
    const list = `${subject.prefix}{${draft.agent}}:approvals`;
    await subject.raw.set(`${subject.prefix}{${draft.agent}}:approval:text`, "text", "PX", 60_000);
    const others = ["", "{}", "[]", '["a"]', '["a",""]', '["a","\\ud800"]', JSON.stringify([draft.agent, "text"])];
    for (const other of others) await subject.raw.zadd(list, Date.now() + 1000, other);
    subject.troubles.length = 0;
    const listed = await subject.store.approvals({ agent: draft.agent, limit: 10 });
    expect(listed.map(({ id }) => id)).toEqual([draft.id]);
    expect(subject.troubles).toEqual([expect.stringMatching(`^${others.length} approvals`)]);
  });

  test("a list looks at so many entries and no more", async () => {
    const draft = draftOf(unique("agent"));
    await open(subject.store, draft);
    const newer = Array.from({ length: maxScanned }, (_, n) => [Date.now() + 1000, JSON.stringify(["gone", `${n}`])]);
    await subject.raw.zadd(`${subject.prefix}{${draft.agent}}:approvals`, ...newer.flat());
    const listed = async () => (await subject.store.approvals({ agent: draft.agent, limit: 10 })).map(({ id }) => id);
    expect(await listed()).toEqual([]);
    // Those that lead nowhere were dropped on the way.
    expect(await listed()).toEqual([draft.id]);
  });

  test("an approval that never got into the list gets there when the call is repeated", async () => {
    const draft = draftOf(unique("agent"));
    await open(subject.store, draft);
    await subject.raw.del(`${subject.prefix}approval:${draft.id}`);
    for (const list of ["approvals", `{${draft.agent}}:approvals`]) {
      expect(await subject.raw.zrem(`${subject.prefix}${list}`, JSON.stringify([draft.agent, draft.id]))).toBe(1);
    }
    expect(await subject.store.approval(draft.id)).toBeNull();
    expect((await open(subject.store, { ...draft, id: unique("apr") })).approval).toMatchObject({
      fresh: false,
      id: draft.id,
    });
    expect(await subject.store.approval(draft.id)).toMatchObject({ id: draft.id });
    expect(await subject.store.approvals({ agent: draft.agent, limit: 10 })).toHaveLength(1);
  });

  test.each([
    ["settle-6.lua", { limit: limitCodes, approval: approvalCodes }],
    ["answer-3.lua", { outcome: answerCodes, status: statusCodes }],
    ["approval-1.lua", { status: statusCodes }],
  ])("%s and TypeScript list the same codes", (file, codes) => {
    const source = readFileSync(new URL(`../../src/store/redis/${file}`, import.meta.url), "utf8");
    const listed = [...source.matchAll(/^(?:Codes)? +(\w+): ([a-z_ ]+)$/gm)].map(([, kind, words]) => [
      kind,
      words?.split(" "),
    ]);
    expect(Object.fromEntries(listed.filter(([kind]) => String(kind) in codes))).toEqual(codes);
  });
});

describeWith(part, "round trips", () => {
  let subject: RedisSubject;
  let url: string;
  beforeAll(async () => {
    url = (await ownServer()).url;
    subject = await redisSubject(url);
  });
  afterAll(() => subject.end());

  /** How often the server ran some commands during the work, those of scripts included. */
  async function commandsOf(raw: Redis, work: () => Promise<unknown>): Promise<Record<string, number>> {
    await raw.config("RESETSTAT");
    await work();
    const info = await raw.info("commandstats");
    const counts = [...info.matchAll(/^cmdstat_(get|evalsha|eval|time|zrevrange):calls=(\d+)/gm)];
    return Object.fromEntries(counts.map(([, name, calls]) => [name, Number(calls)]));
  }

  test("a redemption takes two, one to read and one to settle", async () => {
    const { raw, store } = subject;
    const draft = draftOf("a");
    await open(store, draft);
    await store.answer(draft.id, answerOf("alice", "approve"));
    await store.approval(draft.id, draft.agent);
    const redemption = async () => {
      await store.approval(draft.id, draft.agent);
      expect(await redeem(store, draft)).toMatchObject({ approval: { outcome: "redeemed" } });
    };
    // Both scripts ask for the time, and the one that settles for an earlier result.
    expect(await commandsOf(raw, redemption)).toEqual({ evalsha: 2, time: 2, get: 1 });
  });

  test("20,000 approvals are listed within the wait, and other calls go on meanwhile", async () => {
    const { raw, prefix } = subject;
    const store = await openStore(url, { runtime: systemRuntime, waitMs: 1000, prefix });
    opened.push(store);
    const wanted = draftOf("quiet");
    await open(store, wanted);
    const pipeline = raw.pipeline();
    for (let n = 0; n < 20_000; n++) {
      pipeline.hset(`${prefix}{loud}:approval:${n}`, "status", "pending", "expires_ms", "1");
      pipeline.zadd(`${prefix}approvals`, Date.now() + 1000 + n, JSON.stringify(["loud", `${n}`]));
    }
    await pipeline.exec();
    const lists = Array.from({ length: 3 }, () => store.approvals({ status: "approved", limit: 100 }));
    expect((await store.settle(callOf("a", hourly))).enforced).toEqual({ outcome: "ok" });
    expect(await Promise.all(lists)).toEqual([[], [], []]);
    expect((await store.approvals({ agent: "quiet", limit: 100 })).map(({ id }) => id)).toEqual([wanted.id]);
  }, 30_000);
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
  }, 30_000);

  test("a call made while the connection is coming back waits for it", async () => {
    const server = await ownServer();
    const store = await openStore(server.url, { runtime: systemRuntime, waitMs: 10_000 });
    opened.push(store);
    await server.controls.kill();
    // The very first call may still be sent before the end of the old connection is seen.
    const waiting = store.settle(callOf("a", hourly)).catch(() => store.settle(callOf("a", hourly)));
    await server.controls.restart();
    expect((await waiting).enforced).toEqual({ outcome: "ok" });
  }, 30_000);

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
  }, 30_000);

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
  }, 30_000);

  test("a server that stops answering under many calls fails them all within the wait", async () => {
    const server = await ownServer();
    const store = await connected(server.url);
    await server.controls.pause();
    const before = performance.now();
    const calls = await Promise.allSettled(Array.from({ length: 1000 }, () => store.settle(callOf("a", hourly))));
    expect(performance.now() - before).toBeLessThan(generousMs + 1000);
    for (const call of calls) expect(call).toMatchObject({ status: "rejected", reason: expect.any(StoreUnavailable) });
    await server.controls.resume();
    await recovered(store);
  }, 30_000);

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
  }, 30_000);

  test("a full server refuses before it has written anything", async () => {
    const { url } = await ownServer();
    const store = await connected(url);
    const { raw, end } = await redisSubject(url);
    await raw.config("SET", "maxmemory", "1");
    await refusedWithin(generousMs, () => store.settle(callOf("a", hourly)));
    await raw.config("SET", "maxmemory", "0");
    expect((await store.settle(callOf("a", hourly))).enforced).toEqual({ outcome: "ok" });
    await end();
  });

  test("a closed store is unavailable, also while the server is down", async () => {
    const server = await ownServer();
    const store = await connected(server.url);
    const other = await connected(server.url);
    await store.close();
    await refusedWithin(50, () => store.ping());
    await server.controls.kill();
    await expect(other.ping()).rejects.toThrow(StoreUnavailable);
    await other.close();
    await other.close();
    await refusedWithin(50, () => other.ping());
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
  }, 30_000);

  test("nobody there is an error that names the address", async () => {
    const server = await ownServer();
    await server.controls.kill();
    const { host } = new URL(server.url);
    const text = new RegExp(`${host} cannot be used: no connection within 3000 ms: .*ECONNREFUSED`);
    await expect(connected(server.url)).rejects.toThrow(text);
  }, 30_000);
});
