import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import { systemRuntime } from "../../src/runtime.js";
import { CountersSeen, remembering } from "../../src/store/known.js";
import { answerCodes, approvalCodes, limitCodes, statusCodes } from "../../src/store/redis/replies.js";
import { maxScanned, StoreUnavailable } from "../../src/store/store.js";
import { findRedis } from "../harness/find_redis.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { conformance } from "./conformance.js";
import { cleanUp, connected, hourly, ownServer } from "./redis_fixture.js";
import { type RedisSubject, redisSubject } from "./redis_subject.js";
import { answerOf, callOf, draftOf, open, redeem, unique } from "./subject.js";

const part = await requirePart("Redis", findRedis);

afterAll(async () => {
  await cleanUp();
  if ("value" in part) await part.value.stop();
});

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
    const other = await connected(use().url, { waitMs: 5000, prefix });
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
        "pending",
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

  test("a repeated call that asks another question by now leaves the first one to be found and decided", async () => {
    const agent = unique("agent");
    const { store, raw, keys } = subject;
    const draft = draftOf(agent);
    const other = { ...draft, id: unique("apr"), violations: [{ rule: "windows", message: "not now" }] };
    const request = (asked: typeof draft) =>
      callOf(agent, {}, { key: "k", approval: { kind: "open", draft: asked, maxPending: 5 } });
    expect(await store.settle(request(draft))).toMatchObject({ replayed: false });
    const [locator] = (await keys()).filter(
      (key) => key.endsWith(`}:approval:${draft.id}`) === false && key.endsWith(draft.id),
    );
    if (!locator) throw new Error("the approval has no locator");
    const before = await raw.get(locator);
    const again = await store.settle(request(other));
    expect(again).toMatchObject({ replayed: true, approval: { outcome: "opened", id: draft.id } });
    expect(await raw.get(locator)).toBe(before);
    await raw.del(locator);
    await store.settle(request(other));
    expect(await raw.get(locator)).toBe(before);
    expect(await store.answer(draft.id, answerOf("alice", "deny"))).toMatchObject({ outcome: "denied" });
    expect((await keys(agent)).filter((key) => key.includes(":pending:"))).toEqual([]);
    const asked = { ...draft, id: unique("apr") };
    expect(await open(store, asked)).toMatchObject({ approval: { fresh: true, id: asked.id } });
  });

  test("a counter that leaves no room for another call is refused, and not put back after it was mended", async () => {
    const agent = unique("agent");
    const { raw, prefix } = subject;
    const seen = new CountersSeen(systemRuntime);
    const store = remembering(subject.store, { seen, onLost: () => {} });
    const call = () => store.settle(callOf(agent, { budget: { limitMicro: 100, costMicro: 1 } }));
    await call();
    const key = `${prefix}{${agent}}:limits`;
    await raw.hset(key, "n", String(2 ** 53 - 2));
    await call();
    await raw.del(key);
    for (let n = 0; n < 3; n++) expect(await call()).toMatchObject({ enforced: { outcome: "ok" } });
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
    const [pending = ""] = (await subject.keys(draft.agent)).filter((key) => key.includes(":pending:"));
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
    for (const list of ["approvals", "pending", `{${draft.agent}}:approvals`]) {
      expect(await subject.raw.zrem(`${subject.prefix}${list}`, JSON.stringify([draft.agent, draft.id]))).toBe(1);
    }
    expect(await subject.store.approval(draft.id)).toBeNull();
    expect((await open(subject.store, { ...draft, id: unique("apr") })).approval).toMatchObject({
      fresh: false,
      id: draft.id,
    });
    expect(await subject.store.approval(draft.id)).toMatchObject({ id: draft.id });
    expect(await subject.store.approvals({ agent: draft.agent, limit: 10 })).toHaveLength(1);
    const pending = await subject.store.approvals({ status: "pending", limit: 1000 });
    expect(pending.map(({ id }) => id)).toContain(draft.id);
  });

  test.each([
    ["settle-11.lua", { limit: limitCodes, approval: approvalCodes }],
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

  test("of 20,000 approvals a list looks at the newest, and other calls go on meanwhile", async () => {
    const { raw, prefix } = subject;
    // The bound of a list is what it looks at, not this wait: a busy machine takes its time for 15,000 entries.
    const store = await connected(url, { waitMs: 15_000, prefix });
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
    const pending = async () => {
      expect((await store.approvals({ status: "pending", limit: 100 })).map(({ id }) => id)).toEqual([wanted.id]);
    };
    await pending();
    // The list of those that are pending, and the one that is.
    expect(await commandsOf(raw, pending)).toEqual({ evalsha: 2, time: 2 });
  });
});
