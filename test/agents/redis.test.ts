import { Redis } from "ioredis";
import { systemRuntime } from "../../src/runtime.js";
import { findRedis } from "../harness/find_redis.js";
import { describeWith, requirePart } from "../harness/parts.js";
import type { OwnRedis } from "../harness/redis.js";
import { until } from "../harness/until.js";
import { cleanUp, connected, generousMs, ownServer } from "../store/redis_fixture.js";
import { closeAll, type Process, processOf, wanted } from "./fixture.js";

const part = await requirePart("Redis", findRedis);

afterEach(async () => {
  await closeAll();
  await cleanUp();
});
afterAll(async () => {
  if ("value" in part) await part.value.stop();
});

/** A process with a connection of its own; with an interval it asks by itself. */
async function on(server: OwnRedis, intervalMs: number | null = null): Promise<Process> {
  return processOf((await connected(server.url)).registry, { intervalMs });
}

const isOff = (one: Process, id: string) => one.service.registry().agent(id)?.disabled === true;
const expiresAtMs = Date.now() + 3_600_000;

describeWith(part, "two processes on one Redis", () => {
  test("what one does the other knows, asking by itself", async () => {
    const server = await ownServer();
    const [here, there] = [await on(server), await on(server, 300)];
    await there.service.revocations.fresh();
    const { api_key } = await here.service.create(wanted("new"), "root");
    const owner = () => there.service.registry().agentByApiKey(api_key);
    await until(() => owner()?.id === "new", { what: "the new agent" });
    await here.service.disable("new", "root");
    await until(() => owner()?.disabled, { what: "it to be disabled" });
    await here.service.disable("filed", "root");
    await until(() => isOff(there, "filed"), { what: "an agent of the file to be disabled" });
    await here.service.shared.revoke({ jti: "jti-1", expiresAtMs });
    await until(() => there.service.revocations.isRevoked("jti-1"), { what: "the token to be revoked" });
    await here.service.enable("new", "root");
    await here.service.rotateKey("new", 0, "root");
    await until(() => owner() === undefined, { what: "the old key to end" });
  });

  test("without asking by itself nobody gets by a disable or a revocation after a second", async () => {
    const server = await ownServer();
    const [here, there] = [await on(server), await on(server)];
    await there.service.revocations.fresh();
    await here.service.disable("filed", "root");
    await here.service.shared.revoke({ jti: "jti-1", expiresAtMs });
    await there.service.revocations.fresh();
    expect(isOff(there, "filed")).toBe(false);
    there.laterMs += 1001;
    await there.service.revocations.fresh();
    expect(isOff(there, "filed")).toBe(true);
    expect(there.service.revocations.isRevoked("jti-1")).toBe(true);
  });

  test("changes of one agent at the same time are all made", async () => {
    const server = await ownServer();
    const [here, there] = [await on(server), await on(server)];
    const { api_key: first } = await here.service.create(wanted("new"), "root");
    const rotated = Array.from({ length: 8 }, (_, n) =>
      (n % 2 ? here : there).service.rotateKey("new", 3_600_000, "root"),
    );
    await there.service.disable("new", "root");
    const keys = [first, ...(await Promise.all(rotated)).map(({ api_key }) => api_key)];
    expect(await here.service.show("new")).toMatchObject({ keys: 9, disabled: true });
    for (const key of keys) expect(here.service.registry().agentByApiKey(key)?.id).toBe("new");
  });
});

describeWith(part, "who can write to Redis", () => {
  /** Everything of the registry, read and written as anybody can who has the password. */
  async function rawOf(server: OwnRedis) {
    const redis = new Redis(server.url);
    const at = (part: string) => `countersign:{@registry}:${part}`;
    const tell = async (change: string) => {
      const seq = BigInt((await redis.hget(at("state"), "seq")) ?? 0) + 1n;
      await redis.hset(at("state"), "seq", String(seq));
      await redis.zadd(at("changes"), String(seq), change);
    };
    const read = async (part: "agents" | "flags", id: string) => (await redis.hget(at(part), id)) ?? "";
    const write = async (part: "agents" | "flags", id: string, text: string) => {
      await redis.hset(at(part), id, text);
      await tell(`${part.slice(0, -1)}:${id}`);
    };
    return { read, write, quit: () => redis.quit() };
  }

  test("registers nobody, widens no scopes and brings nobody back", async () => {
    const server = await ownServer();
    const running = await on(server);
    const { api_key } = await running.service.create(wanted("new"), "root");
    await running.service.create(wanted("wide"), "root");
    const raw = await rawOf(server);
    const before = { agent: await raw.read("agents", "new"), wide: JSON.parse(await raw.read("agents", "wide")) };
    await running.service.disable("new", "root");
    for (const work of ["disable", "enable"] as const) await running.service[work]("filed", "root");
    const enabled = await raw.read("flags", "filed");
    await running.service.disable("filed", "root");

    const forged = { ...before.wide, id: "forged", scopes: ["*:*"], spiffe: ["spiffe://d/forged"] };
    await raw.write("agents", "forged", JSON.stringify(forged));
    await raw.write("agents", "wide", JSON.stringify({ ...before.wide, scopes: ["*:*"] }));
    await raw.write("agents", "new", before.agent);
    await raw.write("flags", "filed", enabled);
    const fresh = await on(server);
    for (const one of [running, fresh]) {
      expect(await one.service.show("forged")).toMatchObject({ disabled: true, keys: 0, scopes: [] });
      expect(one.service.registry().agentBySpiffe("spiffe://d/forged")).toBeUndefined();
    }
    expect([isOff(running, "new"), isOff(running, "filed"), isOff(fresh, "wide")]).toEqual([true, true, true]);
    expect(running.service.registry().agentByApiKey(api_key)?.disabled).toBe(true);
    // What the running process knew goes on as it was, where the forged one is no newer.
    expect(running.service.registry().agent("wide")).toMatchObject({ scopes: ["deploy-api:*"], disabled: false });
    expect(running.troubles.map((told) => /of agent (\w+)/.exec(told)?.[1]).sort()).toEqual([
      "filed",
      "forged",
      "new",
      "wide",
    ]);
    await raw.quit();
  });

  test("keeps nobody from being disabled, also by what no process is told of", async () => {
    const server = await ownServer();
    const [here, there] = [await on(server), await on(server)];
    for (const id of ["new", "torn"]) await here.service.create(wanted(id), "root");
    await there.service.list();
    const redis = new Redis(server.url);
    const agents = "countersign:{@registry}:agents";
    const forged = { ...JSON.parse((await redis.hget(agents, "new")) ?? ""), revision: 9_000 };
    await redis.hset(agents, "new", JSON.stringify(forged), "torn", "{");
    await redis.hset("countersign:{@registry}:flags", "filed", '{"disabled":true,"revision":7}');
    for (const id of ["new", "torn", "filed"]) {
      expect(await here.service.disable(id, "root")).toMatchObject({ disabled: true });
      there.laterMs += 1001;
      await there.service.revocations.fresh();
      expect([id, isOff(there, id)]).toEqual([id, true]);
    }
    await redis.quit();
  });
});

describeWith(part, "a Redis in trouble", () => {
  test.each(["kill", "pause"] as const)("%s: refused within the wait, and working again by itself", async (fault) => {
    const server = await ownServer();
    const one = await on(server, 300);
    await one.service.revocations.fresh();
    await one.service.disable("filed", "root");
    await server.controls[fault]();
    const refused = await until(
      async () => {
        const began = performance.now();
        const error = await Promise.resolve(one.service.revocations.fresh()).then(
          () => null,
          (thrown: unknown) => thrown,
        );
        return error !== null && { error, tookMs: performance.now() - began };
      },
      { what: "fresh to refuse" },
    );
    expect(refused.error).toMatchObject({ name: "Refusal", reason: "store_unavailable" });
    expect(refused.tookMs).toBeLessThan(generousMs);
    expect(one.service.trouble()).not.toBeNull();
    expect(isOff(one, "filed")).toBe(true);
    await server.controls[fault === "kill" ? "restart" : "resume"]();
    await until(() => one.service.trouble() === null, { what: "the registry to be read again" });
    await one.service.revocations.fresh();
    expect(isOff(one, "filed")).toBe(true);
  });

  test("a process that starts without it is not fresh until it is there", async () => {
    const server = await ownServer();
    const store = await connected(server.url);
    await server.controls.kill();
    const one = processOf(store.registry, { intervalMs: 300 });
    await expect(one.service.revocations.fresh()).rejects.toMatchObject({ reason: "store_unavailable" });
    await server.controls.restart();
    await until(async () => Promise.resolve(one.service.revocations.fresh()).then(() => true), {
      what: "to become fresh",
    });
  });

  test("a flush forgets nothing that a process still knows, and that process gives it back", async () => {
    const server = await ownServer();
    const here = await on(server, 300);
    const { api_key } = await here.service.create(wanted("new"), "root");
    await here.service.create(wanted("off"), "root");
    await here.service.disable("off", "root");
    await here.service.disable("filed", "root");
    for (let n = 0; n < 120; n++) await here.service.shared.revoke({ jti: `jti-${n}`, expiresAtMs });
    const raw = new Redis(server.url);
    await raw.flushall();
    await raw.quit();

    await until(() => here.troubles.length > 0, { what: "the loss to be seen" });
    expect(here.troubles).toEqual([
      expect.stringMatching(/: 2 agents, 1 disabled ones of agents.yaml, 120 revoked tokens$/),
    ]);
    await here.service.list();
    const other = await on(server);
    await other.service.revocations.fresh();
    for (const one of [here, other]) {
      expect([isOff(one, "new"), isOff(one, "off"), isOff(one, "filed")]).toEqual([false, true, true]);
      expect(one.service.registry().agentByApiKey(api_key)?.id).toBe("new");
      for (let n = 0; n < 120; n++) expect(one.service.revocations.isRevoked(`jti-${n}`)).toBe(true);
    }
    expect(await here.service.enable("off", "root")).toMatchObject({ disabled: false });
  });

  test("20,000 revocations cost a process that knows them next to nothing", async () => {
    const server = await ownServer();
    const store = await connected(server.url, { waitMs: 5000 });
    for (let n = 0; n < 20_000; n += 1000) {
      const some = Array.from({ length: 1000 }, (_, k) => ({ jti: `jti-${n + k}`, expiresAtMs }));
      await Promise.all(some.map((token) => store.registry.revoke(token)));
    }
    let asked = 0;
    let read = 0;
    const counted = {
      ...store.registry,
      changes: async (seen: string | null) => {
        asked += 1;
        const told = await store.registry.changes(seen);
        read += told.revoked.length;
        return told;
      },
    };
    const one = processOf(counted);
    await one.service.revocations.fresh();
    expect(read).toBe(20_000);
    const before = asked;
    for (let n = 0; n < 20; n++) {
      one.laterMs += 1001;
      await one.service.revocations.fresh();
    }
    expect([read, asked - before]).toEqual([20_000, 20]);
    await store.registry.revoke({ jti: "one-more", expiresAtMs });
    one.laterMs += 1001;
    await one.service.revocations.fresh();
    expect([read, asked - before]).toEqual([20_001, 21]);
    expect(one.service.revocations.isRevoked("one-more")).toBe(true);

    // What a call pays: no round trip, but for the one a second that all of them share.
    const began = systemRuntime.monotonicMicros();
    for (let n = 0; n < 10_000; n++) {
      await one.service.revocations.fresh();
      one.service.revocations.isRevoked("jti-19999");
    }
    const seconds = Math.ceil((systemRuntime.monotonicMicros() - began) / 1_000_000);
    expect(asked - before).toBeLessThanOrEqual(21 + seconds);
  });
});
