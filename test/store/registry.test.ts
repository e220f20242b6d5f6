import { readFileSync } from "node:fs";
import { systemRuntime } from "../../src/runtime.js";
import { memoryStore } from "../../src/store/memory.js";
import { changeCodes } from "../../src/store/redis/registry.js";
import { revocationGraceMs } from "../../src/store/shared_registry.js";
import { StoreUnavailable } from "../../src/store/store.js";
import { findRedis } from "../harness/find_redis.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { agentOf, everything, flagOf, redisRegistryConformance, registryConformance } from "./conformance_registry.js";
import { cleanUp, connected, ownServer, refusedWithin } from "./redis_fixture.js";
import { type RedisSubject, redisSubject } from "./redis_subject.js";
import { unique } from "./subject.js";

const part = await requirePart("Redis", findRedis);

afterAll(async () => {
  await cleanUp();
  if ("value" in part) await part.value.stop();
});

describe("memory", () => {
  let nowMs = Date.UTC(2030, 0, 1);
  const store = memoryStore({ ...systemRuntime, now: () => nowMs });
  const pass = async (ms: number) => {
    nowMs += ms;
  };
  const { registry } = store;
  registryConformance(() => ({
    registry,
    other: registry,
    nowMs: () => nowMs,
    pass,
    advance: (_, ms) => pass(ms),
  }));

  test("what callers do to what they gave and got changes nothing", async () => {
    const agent = agentOf(unique("agent"));
    const { seen } = await everything(registry, null);
    await registry.putAgent(agent);
    const read = async () => (await registry.changes(seen)).agents[0];
    const before = structuredClone(await read());
    agent.disabled = true;
    Object.assign((await read()) ?? {}, { scopes: ["*:*"] });
    expect(await read()).toEqual(before);
  });

  test("a closed store is unavailable", async () => {
    const closed = memoryStore(systemRuntime);
    await closed.close();
    await expect(closed.registry.changes(null)).rejects.toThrow(StoreUnavailable);
    await expect(closed.registry.revoke({ jti: "a", expiresAtMs: 1 })).rejects.toThrow(StoreUnavailable);
    await expect(closed.registry.pinTask("a", "b", null, 1)).rejects.toThrow(StoreUnavailable);
  });
});

describeWith(part, "Redis", (use) => {
  let subject: RedisSubject;
  beforeAll(async () => {
    subject = await redisSubject(use().url);
  });
  afterAll(() => subject.end());

  describe("conformance", () =>
    redisRegistryConformance(
      () => subject,
      () => use().url,
    ));

  test("its keys are under the prefix in one slot that no agent's name leads to, and tasks end", async () => {
    const { registry } = subject.store;
    const agent = unique("@registry");
    await registry.putAgent(agentOf(agent));
    await registry.putFlag(flagOf(agent));
    await registry.revoke({ jti: unique("jti"), expiresAtMs: Date.now() + 60_000 });
    await registry.pinTask("@registry", "a}:{b", "{}", 60_000);
    const names = (await subject.keys()).map((key) => key.slice(subject.prefix.length));
    expect(names.filter((name) => name.startsWith("{@registry}")).sort()).toEqual([
      "{@registry}:agents",
      "{@registry}:changes",
      "{@registry}:flags",
      "{@registry}:revoked",
      "{@registry}:state",
    ]);
    const task = `${subject.prefix}{%40registry}:task:a%7D%3A%7Bb`;
    expect(await subject.raw.pttl(task)).toBeGreaterThan(0);
  });

  test("each script names the keys it touches, all of one slot", async () => {
    const { raw, prefix } = subject;
    const slots = new Set<unknown>();
    for (const name of ["state", "changes", "agents", "flags", "revoked"]) {
      slots.add(hashTag(`${prefix}{@registry}:${name}`));
    }
    expect(slots).toEqual(new Set(["@registry"]));
    // A server that refuses keys which were not declared is a cluster's; here the source has to do.
    for (const file of ["changes-5", "put_agent-3", "put_flag-3", "revoke-3", "pin_task-1"]) {
      const source = sourceOf(`${file}.lua`);
      expect([file, [...source.matchAll(/redis\.call\("(?!TIME)\w+", (?!KEYS\[)/g)].length]).toEqual([file, 0]);
    }
    expect(await raw.ping()).toBe("PONG");
  });

  test("changes-5.lua and TypeScript list the same codes", () => {
    expect(/^Codes +change: (.*)$/m.exec(sourceOf("changes-5.lua"))?.[1]?.split(" ")).toEqual([...changeCodes]);
  });

  test.each(["{", "{}", '{"id":"x"}', "[]"])("an agent that was tampered with is nobody: %s", async (text) => {
    const { registry } = subject.store;
    const { seen } = await everything(registry, null);
    const agent = agentOf(unique("agent"));
    await registry.putAgent(agent);
    await subject.raw.hset(`${subject.prefix}{@registry}:agents`, agent.id, text);
    subject.troubles.length = 0;
    const nobody = { id: agent.id, scopes: [], roles: [], spiffe: [], disabled: true, keys: [], createdAtMs: 0 };
    expect((await registry.changes(seen)).agents).toEqual([{ ...nobody, revision: 0, proof: "" }]);
    expect(subject.troubles).toEqual(["an agent in the store cannot be read and is refused"]);
    expect(await registry.putAgent(agent)).toBe(false);
    expect(await registry.putAgent(agent, null)).toBe(true);
    expect((await registry.changes(seen)).agents).toEqual([agent]);
    await subject.raw.hdel(`${subject.prefix}{@registry}:agents`, agent.id);
  });

  test.each(["0", "{", "{}", "[]"])("a flag that was tampered with disables, and is written over: %s", async (text) => {
    const { registry } = subject.store;
    const { seen } = await everything(registry, null);
    const id = unique("agent");
    await registry.putFlag(flagOf(id, { disabled: false }));
    await subject.raw.hset(`${subject.prefix}{@registry}:flags`, id, text);
    subject.troubles.length = 0;
    expect((await registry.changes(seen)).flags).toEqual([{ id, disabled: true, revision: 0, proof: "" }]);
    expect(subject.troubles).toEqual([
      "a disabled or enabled agent in the store cannot be read and counts as disabled",
    ]);
    expect(await registry.putFlag(flagOf(id))).toBe(true);
  });

  test("an agent's entry cannot stand in for another", async () => {
    const { registry } = subject.store;
    const { seen } = await everything(registry, null);
    const agent = agentOf(unique("agent"));
    await registry.putAgent(agent);
    await subject.raw.hset(`${subject.prefix}{@registry}:agents`, agent.id, JSON.stringify(agentOf("another")));
    expect((await registry.changes(seen)).agents).toMatchObject([{ id: agent.id, disabled: true, keys: [] }]);
  });
});

describeWith(part, "a Redis of its own", () => {
  const opened: RedisSubject[] = [];
  const ownSubject = async () => {
    const subject = await redisSubject((await ownServer()).url);
    opened.push(subject);
    return subject;
  };
  afterEach(async () => {
    for (const subject of opened.splice(0)) await subject.end();
  });

  test("20,000 revocations are read once, in bounded answers, and then only what is new", async () => {
    const { raw, store, prefix } = await ownSubject();
    const { registry } = store;
    const expiresAtMs = Date.now() + 3_600_000;
    for (let n = 0; n < 20_000; n += 1000) {
      await Promise.all(Array.from({ length: 1000 }, (_, k) => registry.revoke({ jti: `jti-${n + k}`, expiresAtMs })));
    }
    const first = await everything(registry, null);
    expect(first.revoked).toHaveLength(20_000);
    expect(new Set(first.revoked.map((token) => JSON.stringify(token))).size).toBe(20_000);
    expect(first.pages).toBe(41);

    const bytes = async (work: () => Promise<unknown>) => {
      const before = Number(/total_net_output_bytes:(\d+)/.exec(await raw.info("stats"))?.[1]);
      await work();
      return Number(/total_net_output_bytes:(\d+)/.exec(await raw.info("stats"))?.[1]) - before;
    };
    const idle = await bytes(async () => {});
    expect((await bytes(() => registry.changes(first.seen))) - idle).toBeLessThan(120);
    await registry.revoke({ jti: "one-more", expiresAtMs });
    const told = await registry.changes(first.seen);
    expect(told).toMatchObject({ revoked: [{ jti: "one-more", expiresAtMs }], more: false });
    expect((await bytes(() => registry.changes(first.seen))) - idle).toBeLessThan(250);

    await raw.config("RESETSTAT");
    await registry.changes(told.seen);
    const calls = [...(await raw.info("commandstats")).matchAll(/^cmdstat_(\w+):calls=(\d+)/gm)].map(([, a]) => a);
    expect(calls.filter((name) => !["config|resetstat", "info"].includes(name ?? "")).sort()).toEqual(
      expect.arrayContaining(["evalsha", "hmget"]),
    );
    expect(calls).not.toContain("zrangebyscore");

    // Those that have expired leave as others come.
    await raw.zadd(`${prefix}{@registry}:revoked`, ...Array.from({ length: 150 }, (_, n) => [1, `jti-${n}`]).flat());
    for (const jti of ["a", "b"]) await registry.revoke({ jti, expiresAtMs });
    expect(await raw.zcard(`${prefix}{@registry}:revoked`)).toBe(20_001 + 2 - 150);
    expect(await raw.zcard(`${prefix}{@registry}:changes`)).toBe(20_001 + 2 - 150);
  });

  test("after a flush everything that is left is told, and that something is lost", async () => {
    const { raw, store } = await ownSubject();
    const { registry } = store;
    await registry.putAgent(agentOf("before"));
    const { seen } = await everything(registry, null);
    await raw.flushall();
    expect(await registry.changes(seen)).toMatchObject({ agents: [], lost: true, more: false });
    await registry.putAgent(agentOf("after"));
    const told = await registry.changes(seen);
    expect(told).toMatchObject({ agents: [agentOf("after")], lost: true });
    expect(await registry.changes(told.seen)).toMatchObject({ agents: [], lost: false, seen: told.seen });
  });

  test("after a failover that lost writes the same", async () => {
    const { raw, store, prefix } = await ownSubject();
    const { registry } = store;
    await registry.putAgent(agentOf("kept"));
    const keys = await raw.keys(`${prefix}*`);
    const copies = await Promise.all(keys.map(async (key) => [key, await raw.dumpBuffer(key)] as const));
    await registry.putAgent(agentOf("lost"));
    const { seen } = await everything(registry, null);
    await raw.flushall();
    for (const [key, copy] of copies) await raw.restore(key, 0, copy);
    expect(await registry.changes(seen)).toMatchObject({ agents: [agentOf("kept")], lost: true });
  });

  test("what a process has seen before the first change is nothing that can be lost", async () => {
    const { store } = await ownSubject();
    const { seen } = await store.registry.changes(null);
    await store.registry.putAgent(agentOf("first"));
    expect(await store.registry.changes(seen)).toMatchObject({ agents: [agentOf("first")], lost: false });
  });

  test("a token whose time was over by more than the grace is not kept", async () => {
    const { store, keys } = await ownSubject();
    await store.registry.revoke({ jti: "old", expiresAtMs: Date.now() - revocationGraceMs - 1000 });
    expect(await keys()).toEqual([]);
  });

  test("a server that is away is refused within the wait", async () => {
    const server = await ownServer();
    const store = await connected(server.url);
    await store.ping();
    await server.controls.kill();
    await refusedWithin(2000, () => store.registry.changes(null));
    await refusedWithin(2000, () => store.registry.putAgent(agentOf("a")));
    await refusedWithin(2000, () => store.registry.pinTask("a", "b", null, 1));
  });
});

function sourceOf(file: string): string {
  return readFileSync(new URL(`../../src/store/redis/${file}`, import.meta.url), "utf8");
}

function hashTag(key: string): string | undefined {
  return /\{(.*?)\}/.exec(key)?.[1];
}
