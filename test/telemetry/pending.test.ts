import { pendingApprovals } from "../../src/telemetry/pending.js";

type Listed = Parameters<typeof pendingApprovals>[0]["approvals"];

function asking(answer: () => Promise<{ createdAtMs: number }[]>, waitMs = 50) {
  const clock = { nowMs: 1_000_000, asked: 0 };
  const approvals = ((filter: object) => {
    expect(filter).toEqual({ status: "pending", limit: 1_000 });
    clock.asked += 1;
    return answer();
  }) as Listed;
  return { clock, ask: pendingApprovals({ approvals }, { now: () => clock.nowMs }, waitMs) };
}

test("how many wait, and how long the oldest has", async () => {
  const { ask } = asking(async () => [{ createdAtMs: 990_000 }, { createdAtMs: 940_000 }]);
  expect(await ask()).toEqual({ count: 2, oldestSeconds: 60 });
});

test("none wait", async () => {
  expect(await asking(async () => []).ask()).toEqual({ count: 0, oldestSeconds: 0 });
});

test("whoever looks, the store is asked once within five seconds, and once at a time", async () => {
  const { clock, ask } = asking(async () => []);
  await Promise.all([ask(), ask(), ask()]);
  clock.nowMs += 4_999;
  await ask();
  expect(clock.asked).toBe(1);
  clock.nowMs += 1;
  await ask();
  expect(clock.asked).toBe(2);
});

test("a store that never answers holds up nobody, and is not asked again meanwhile", async () => {
  const { clock, ask } = asking(() => new Promise(() => {}));
  expect(await ask()).toBeNull();
  expect(await ask()).toBeNull();
  expect(clock.asked).toBe(1);
});

test("one that fails has nothing to say, and is asked again", async () => {
  let broken = true;
  const { ask } = asking(async () => {
    if (broken) throw new Error("away");
    return [];
  });
  expect(await ask()).toBeNull();
  broken = false;
  expect(await ask()).toEqual({ count: 0, oldestSeconds: 0 });
});
