import { randomBytes } from "node:crypto";
import type { StorePlace } from "../../src/config/store.js";
import { systemRuntime } from "../../src/runtime.js";
import { openStore } from "../../src/store/open.js";
import type { Store } from "../../src/store/store.js";
import { redisProgram, startRedis } from "../harness/find_redis.js";
import { awayFromMidnight } from "../harness/midnight.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { tell } from "../harness/programs.js";
import { startRedisCluster } from "../harness/redis_cluster.js";
import { oneOnEach } from "./cluster_fixture.js";
import { type Race, type RaceResult, type Racer, startRacer } from "./double_spend.js";
import { answerOf, draftOf, open, unique } from "./subject.js";

const redis = await requirePart("Redis", startRedis);
const program = await requirePart("redis-server", redisProgram);

const charge = { budget: { limitMicro: 1_000_000, costMicro: 1 } };
/** Of each approval, by each of the two processes. */
const tries = 50;

interface Plan {
  /** What the store is, where it is not one server. */
  over?: string;
  agents: readonly string[];
  /** Races of each agent, and approvals in a race. */
  races: number;
  approvals: number;
}

/** Races two processes for the same approvals, and holds what came of it against what may. */
async function raced(place: StorePlace, { over = "", agents, races, approvals }: Plan): Promise<void> {
  const prefix = `countersign-test-${randomBytes(6).toString("hex")}:`;
  const store = await openStore(place, { runtime: systemRuntime, waitMs: 30_000, prefix });
  const racers: Racer[] = [];
  const results: [RaceResult[], RaceResult[]] = [[], []];
  try {
    const started = ["one", "two"].map((name) => startRacer({ name, place, prefix, width: 200, charge }));
    await Promise.allSettled(started);
    racers.push(...(await Promise.all(started)));
    for (let n = 0; n < races; n++) {
      for (const agent of agents) {
        const race: Race = { agent, approvals: await approvedOf(store, agent, approvals), tries };
        const [one, other] = await Promise.all(racers.map((racer) => racer.race(race)));
        results[0].push(...(one ? [one] : []));
        results[1].push(...(other ? [other] : []));
      }
    }
    const count = agents.length * races * approvals;
    const passed = results.flat().flatMap((result) => result.passed);
    const used = results.flat().reduce((sum, result) => sum + result.used, 0);
    const doubles = passed.length - new Set(passed).size;
    const ofOne = results[0].reduce((sum, result) => sum + result.passed.length, 0);
    tell(
      `${passed.length + used} redemptions of ${count} approvals over 2 processes${over}: ${passed.length} passed ` +
        `(${ofOne} by one process, ${passed.length - ofOne} by the other), ${doubles} double spends`,
    );
    expect({ passed: passed.length, doubles, used }).toEqual({
      passed: count,
      doubles: 0,
      used: count * (2 * tries - 1),
    });
    // Who never wins does not race.
    expect([ofOne > 0, ofOne < count]).toEqual([true, true]);
    for (const agent of agents) {
      const { enforced } = await store.usage({ agent, session: null });
      expect(enforced.spentMicro).toBe(races * approvals);
    }
  } finally {
    for (const racer of racers) await racer.stop();
    await store.close();
  }
}

async function approvedOf(store: Store, agent: string, count: number): Promise<Race["approvals"]> {
  const drafts = Array.from({ length: count }, () => draftOf(agent));
  await Promise.all(
    drafts.map(async (draft) => {
      await open(store, draft);
      const { outcome } = await store.answer(draft.id, answerOf("alice@example.com", "approve"));
      expect(outcome).toBe("approved");
    }),
  );
  return drafts.map(({ id, fingerprint }) => ({ id, fingerprint }));
}

describeWith(redis, "double spends", (use) => {
  afterAll(() => use().stop());
  beforeEach(() => awayFromMidnight(120_000), 180_000);

  test("two processes that race for 1000 approvals, 100 times each: every one is redeemed and paid once", async () => {
    const agents = Array.from({ length: 10 }, () => unique("agent"));
    await raced(use().url, { agents, races: 10, approvals: 10 });
  }, 240_000);
});

describeWith(program, "double spends in a cluster", (use) => {
  beforeEach(() => awayFromMidnight(120_000), 180_000);

  test("the same on three nodes", async () => {
    const cluster = await startRedisCluster(use());
    try {
      const place = { cluster: cluster.nodes.map(({ name }) => name) };
      await raced(place, { over: " and a cluster", agents: await oneOnEach(cluster), races: 5, approvals: 10 });
    } finally {
      await cluster.stop();
    }
  }, 240_000);
});
