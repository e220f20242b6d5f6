import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { systemRuntime } from "../../src/runtime.js";
import { memoryStore } from "../../src/store/memory.js";
import { openStore } from "../../src/store/open.js";
import { maxScanned, StoreUnavailable } from "../../src/store/store.js";
import { conformance } from "./conformance.js";
import { answerOf, callOf, draftOf, open, unique } from "./subject.js";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");
const midnight = Date.UTC(2030, 0, 1);

function subject() {
  let now = midnight;
  const store = memoryStore({ ...systemRuntime, now: () => now });
  return {
    store,
    advance: async (_: string, ms: number) => {
      now += ms;
    },
    startOfDay: async () => {
      now = Math.ceil(now / 86_400_000) * 86_400_000;
    },
    driftMs: () => 0,
    end: () => store.close(),
  };
}

conformance(async () => subject(), 500);

test("is one process's own", () => expect(subject().store.shared).toBe(false));

test("is what memory: opens", async () => {
  const store = await openStore("memory:", { runtime: systemRuntime, waitMs: 100 });
  expect(store.shared).toBe(false);
  await store.close();
});

test("the budget ends at midnight UTC, to the millisecond", async () => {
  const { store, advance } = subject();
  const spend = async () => (await store.settle(callOf("a", { budget: { limitMicro: 1, costMicro: 1 } }))).enforced;
  await advance("a", 86_399_999);
  expect(await spend()).toEqual({ outcome: "ok" });
  expect(await spend()).toEqual({ outcome: "budget_exceeded", limit: "daily_budget", spentMicro: 1, retryAfterMs: 1 });
  await advance("a", 1);
  expect(await spend()).toEqual({ outcome: "ok" });
  await advance("a", -1);
  expect(await spend()).toEqual({
    outcome: "budget_exceeded",
    limit: "daily_budget",
    spentMicro: 1,
    retryAfterMs: 86_400_001,
  });
});

test("a closed store is unavailable", async () => {
  const { store } = subject();
  await store.close();
  await expect(store.settle(callOf("a", {}))).rejects.toThrow(StoreUnavailable);
  await expect(store.ping()).rejects.toThrow(StoreUnavailable);
  await expect(store.approval("a")).rejects.toThrow(StoreUnavailable);
  await expect(store.approvals({ limit: 1 })).rejects.toThrow(StoreUnavailable);
});

test("a list looks at so many approvals and no more", async () => {
  const { store, advance } = subject();
  const oldest = draftOf("a");
  await open(store, oldest);
  for (let n = 0; n < maxScanned; n++) {
    await advance("a", 1);
    await open(store, draftOf("b"), {}, maxScanned);
  }
  // Pending ones have a list of their own.
  expect((await store.approvals({ status: "pending", limit: 10 })).map(({ id }) => id)).toContain(oldest.id);
  await store.answer(oldest.id, answerOf("alice", "deny"));
  expect(await store.approvals({ status: "denied", limit: 10 })).toEqual([]);
  expect(await store.approvals({ status: "denied", agent: "a", limit: 10 })).toHaveLength(1);
});

test("agents that were seen once do not stay", async () => {
  const { store, advance } = subject();
  const rate = { intervalUs: 1_000_000, burst: 1 };
  const held = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const wave = async (count: number) => {
    for (let n = 0; n < count; n++) {
      if (n % 100 === 0) await advance("", 1000);
      await store.settle(callOf(unique("agent"), { rate }));
    }
  };
  await wave(60_000);
  const before = held();
  await wave(140_000);
  expect(held() - before).toBeLessThan(10_000_000);
});
