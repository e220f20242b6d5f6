import { jest } from "@jest/globals";
import fc from "fast-check";
import { Redis } from "ioredis";
import type { SettleRequest, SettleResult, Store } from "../../src/store/store.js";
import { startRedis } from "../harness/find_redis.js";
import { runsWithin } from "../harness/property.js";
import type { OwnRedis } from "../harness/redis.js";

// Which calls went the short way shows only in how their reply is read.
const real = await import("../../src/store/redis/plain.js");
const parsePlain = jest.fn(real.parsePlain);
jest.unstable_mockModule("../../src/store/redis/plain.js", () => ({ ...real, parsePlain }));
const { openStore } = await import("../../src/store/open.js");
const { systemRuntime } = await import("../../src/runtime.js");

/** The short way of plain-6.lua against the long one, which a shadow that charges nothing asks for and means the same. */
let server: OwnRedis;
let raw: Redis;
const stores: Store[] = [];
let serial = 0;

beforeAll(async () => {
  server = await startRedis();
  raw = new Redis(server.url);
  for (const prefix of ["a:", "b:"]) {
    stores.push(await openStore(server.url, { runtime: systemRuntime, waitMs: 20_000, prefix }));
  }
});
afterAll(async () => {
  for (const store of stores) await store.close();
  raw?.disconnect();
  await server?.stop();
});

const rarely = <T>(usual: T, other: T) =>
  fc.oneof({ weight: 15, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constant(other) });

const step = fc.record({
  session: rarely("ses", "open:agent"),
  outcome: fc.oneof(
    { weight: 20, arbitrary: fc.constant("passed" as const) },
    { weight: 1, arbitrary: fc.constantFrom("refused" as const, "asked" as const) },
  ),
  tool: fc.oneof({ weight: 20, arbitrary: fc.constant("deploy") }, fc.constantFrom("käse:☃", "x", null)),
  classification: fc.constantFrom<string[]>([], [], ["config"], ["config", "pii"], ["pii", "pii"]),
  tags: rarely<string[]>([], ["phi"]),
  indicators: rarely<"prompt_injection"[]>([], ["prompt_injection"]),
  role: rarely("admin", "user"),
  rate: fc.option(fc.record({ intervalUs: fc.constant(4_000_000_000), burst: fc.integer({ min: 1, max: 12 }) }), {
    freq: 5,
    nil: undefined,
  }),
  budget: fc.option(fc.record({ limitMicro: rarely(100, 7), costMicro: fc.integer({ min: 0, max: 15 }) }), {
    freq: 5,
    nil: undefined,
  }),
  again: rarely(false, true),
  forgets: rarely(false, true),
  known: fc.option(fc.record({ charges: fc.integer({ min: 0, max: 9 }), late: fc.boolean() }), {
    freq: 2,
    nil: undefined,
  }),
  spoils: fc.oneof(
    { weight: 60, arbitrary: fc.constant(undefined) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        ["limits", "n", "0x1"],
        ["limits", "spent", "1.5"],
        ["limits", "tat_us", "-1"],
        ["session:ses", "calls", " 1"],
      ),
    },
  ),
});
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

function requestOf(one: Step, { key, agent, ttlMs }: { key: string; agent: string; ttlMs: number }): SettleRequest {
  const session = one.session === "ses" ? "ses" : `open:${agent}`;
  const known = one.known && {
    charges: one.known.charges,
    tatUs: null,
    day: 0,
    spentMicro: 0,
    keptUntilMs: one.known.late ? 1 : Date.now() + 1e9,
    lostAtMs: null,
    sessionSpentMicro: 0,
    sessionKeptUntilMs: 0,
    sessionLostAtMs: null,
  };
  return {
    agent,
    key,
    enforced: { ...(one.rate && { rate: one.rate }), ...(one.budget && { budget: one.budget }) },
    ...(known && { known }),
    approval: { kind: "none" },
    observation: {
      session,
      bound: one.session === "ses",
      known: { role: one.role },
      ttlMs,
      outcome: one.outcome,
      refusal: one.outcome === "refused" ? "max_replicas" : null,
      detail: "deploy:x",
      tool: one.tool,
      classification: one.classification,
      tags: one.tags,
      indicators: one.indicators,
      outside: null,
      burst: { refusals: 3, withinMs: 60_000_000 },
      learningMs: 0,
    },
  };
}

/** Times differ between the two, and by how little is not what is asked here. */
const isTime = /^(nowMs|tatUs|keptUntilMs|startedMs|lastMs|atMs|lostAtMs|retryAfterMs)$/;
const withoutTimes = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (name, one) => (isTime.test(name) ? typeof one : one)));

async function answerOf(store: Store, request: SettleRequest): Promise<unknown> {
  try {
    const { shadow: _, ...result }: SettleResult = await store.settle(request);
    return withoutTimes(result);
  } catch (error) {
    return error instanceof Error ? error.name : error;
  }
}

interface Kept {
  rows: unknown;
  /** Milliseconds that each key has left. */
  left: number[];
}

async function keptOf(prefix: string, agent: string): Promise<Kept> {
  const keys = (await raw.keys(`${prefix}{${agent}}:*`)).filter((key) => !key.includes(":settled:")).sort();
  const rows = keys.map(async (key) => {
    const fields = Object.entries(await raw.hgetall(key)).sort(([a], [b]) => (a < b ? -1 : 1));
    const told = fields.map(([name, value]) =>
      /_ms$|_us$|^hour|^refusals$|^recent$/.test(name) && !/^hour_/.test(name)
        ? [name, value.length > 9]
        : [name, value],
    );
    return [key.slice(prefix.length), told];
  });
  const settled = await raw.keys(`${prefix}{${agent}}:settled:*`);
  const left = await Promise.all(keys.map((key) => raw.pttl(key)));
  return { rows: [await Promise.all(rows), settled.length], left };
}

test("the short way answers and keeps what the long one does", async () => {
  // Of the short one, steps go by between two calls.
  const ttl = fc.constantFrom(86_400_000, 86_400_000, 90_000);
  let compared = 0;
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 4, maxLength: 16 }),
    ttl,
    runsWithin(60_000, async (steps, ttlMs) => {
      // What other runs left would have to be looked through for each step.
      await raw.flushdb();
      const agent = `agent-${serial++}`;
      let key = "";
      for (const [at, one] of steps.entries()) {
        if (!one.again || key === "") key = `${agent}/${at}`;
        for (const prefix of ["a:", "b:"]) {
          if (one.forgets) await raw.del(`${prefix}{${agent}}:limits`);
          const [where, field, value] = one.spoils ?? [];
          if (where && field && value) await raw.hset(`${prefix}{${agent}}:${where}`, field, value);
        }
        const request = requestOf(one, { key, agent, ttlMs });
        const answers = [
          await answerOf(stores[0] as Store, request),
          await answerOf(stores[1] as Store, { ...request, shadow: {} }),
        ];
        expect(answers[0]).toEqual(answers[1]);
        const [short, long] = [await keptOf("a:", agent), await keptOf("b:", agent)];
        expect(short.rows).toEqual(long.rows);
        for (const [i, ms] of short.left.entries()) expect(Math.abs(ms - (long.left[i] ?? 0))).toBeLessThan(60_000);
        compared += 1;
      }
    }),
  );
  await fc.assert(property, { numRuns: 400 });
  // A good part of them went the short way.
  expect(parsePlain.mock.calls.length).toBeGreaterThan(compared / 20);
}, 120_000);
