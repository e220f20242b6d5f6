import { Redis } from "ioredis";
import { systemRuntime } from "../../src/runtime.js";
import { openStore } from "../../src/store/open.js";
import type { SettleRequest, Store } from "../../src/store/store.js";
import { startRedis } from "../harness/find_redis.js";
import type { OwnRedis } from "../harness/redis.js";
import { seen } from "../store/conformance_sessions.js";

/** What an ordinary call takes, told by Redis itself: commands in and around scripts, those sent, reads, bytes. */
interface Cost {
  commands: number;
  sent: number;
  reads: number;
  bytes: number;
}

let server: OwnRedis;
let raw: Redis;
let store: Store;
let serial = 0;

beforeAll(async () => {
  server = await startRedis();
  raw = new Redis(server.url);
  store = await openStore(server.url, { runtime: systemRuntime, waitMs: 5_000 });
  await settle();
  // What clients say of themselves when they begin is not what a call takes.
  await cost(settle);
});
afterAll(async () => {
  await store?.close();
  raw?.disconnect();
  await server?.stop();
});

const day = { limitMicro: 10 ** 12, costMicro: 1 };

function ordinary(): SettleRequest {
  return {
    agent: "deploy-manager",
    key: `0b1c7a3e-1f1e-4c7c-9d6e-${serial++}/sha256:7173b809ca12ec5dee4506cd86be934c4596dd234ee82c0662eac04a8c2c71dc/none`,
    enforced: { rate: { intervalUs: 60_000_000, burst: 100_000 }, budget: day },
    approval: { kind: "none" },
    observation: seen({
      session: "ses_01M7YSRQFDRSA1WQ7PWPPKGQ5P",
      known: { initiated_by: "alice@example.com" },
      burst: { refusals: 5, withinMs: 60_000 },
      learningMs: 604_800_000,
    }),
  };
}

async function settle(): Promise<void> {
  const result = await store.settle(ordinary());
  expect(result).toMatchObject({ replayed: false, enforced: { outcome: "ok" }, approval: { outcome: "none" } });
}

async function cost(work: () => Promise<unknown>): Promise<Cost> {
  const read = async (): Promise<Cost> => {
    const [commands, stats] = [await raw.info("commandstats"), await raw.info("stats")];
    const of = (name: string) => Number(new RegExp(`${name}:(\\d+)`).exec(stats)?.[1]);
    const counts = [...commands.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)].filter(([, name]) => name !== "info");
    return {
      commands: counts.reduce((sum, [, , calls]) => sum + Number(calls), 0),
      sent: of("total_commands_processed"),
      reads: of("total_reads_processed"),
      bytes: of("total_net_input_bytes"),
    };
  };
  const before = await read();
  const own = await read();
  await work();
  const after = await read();
  // What it takes to ask is in every difference.
  const less = (name: keyof Cost) => after[name] - own[name] - (own[name] - before[name]);
  return { commands: less("commands"), sent: less("sent"), reads: less("reads"), bytes: less("bytes") };
}

test("an ordinary call is one command of its own and few in its script", async () => {
  const { commands, reads, bytes } = await cost(settle);
  expect(reads).toBe(1);
  // Itself, TIME, HMGET and PTTL of counters, two HGETALL, SET of the result, two HSET; PEXPIREAT where the counters are to
  // last longer; and once in a step HMGET of tools and three PEXPIRE.
  expect([9, 10, 13, 14]).toContain(commands);
  expect(bytes).toBeLessThanOrEqual(900);
});

test("what one call of a session has looked at and prolonged the next ones do not, for a small part of its time", async () => {
  const costs = [];
  for (let n = 0; n < 4; n++) costs.push((await cost(settle)).commands);
  // A step can begin between two of them, not between all.
  expect(costs.filter((commands) => commands <= 10).length).toBeGreaterThanOrEqual(2);
});

test("calls of one turn go out together", async () => {
  const { reads } = await cost(() => Promise.all(Array.from({ length: 8 }, settle)));
  // As many as the server needs for so many bytes, which it reads in pieces of 16 KiB.
  expect(reads).toBeLessThanOrEqual(3);
});

test("more than a batch goes out, too", async () => {
  const { reads } = await cost(() => Promise.all(Array.from({ length: 100 }, settle)));
  expect(reads).toBeLessThanOrEqual(40);
});

test("looking at a session first is one command more", async () => {
  const look = {
    agent: "deploy-manager",
    session: "ses_01M7YSRQFDRSA1WQ7PWPPKGQ5P",
    tool: "deploy-api",
    learningMs: 1,
  };
  const asked = () => store.look({ ...look, approval: null });
  await asked();
  const { commands, reads } = await cost(asked);
  expect(reads).toBe(1);
  expect(commands).toBeLessThanOrEqual(5);
});

test("what is kept of a call has the form that it always had", async () => {
  await settle();
  const [key = ""] = await raw.keys("countersign:{deploy-manager}:settled:*");
  const kept: unknown = JSON.parse((await raw.get(key)) ?? "");
  expect(kept).toEqual(["0", "ok", "", "", "", "", "", "", "", "none", "", "", "", ""]);
});
