import { type Logger, pino } from "pino";
import { systemRuntime } from "../../src/runtime.js";
import { guardedStore } from "../../src/server/guarded_store.js";
import { memoryStore } from "../../src/store/memory.js";
import { createMetrics } from "../../src/telemetry/metrics.js";
import { until } from "../harness/until.js";
import { seenCall } from "../store/fallback_subject.js";
import { losable } from "../store/losable.js";
import { callOf } from "../store/subject.js";

const daily = { budget: { limitMicro: 100, costMicro: 1 } };

function subject(onFailure: "deny" | { local: number }) {
  const server = losable(Date.now);
  const lines: Record<string, unknown>[] = [];
  const log: Logger = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const metrics = createMetrics();
  const lost: string[] = [];
  const deps = { runtime: systemRuntime, log, metrics, onCountersLost: (agent: string) => void lost.push(agent) };
  const guarded = guardedStore(server.store, { on_store_failure: onFailure, store_timeout: 250 }, deps);
  const count = async (name: string) =>
    Number(new RegExp(`^countersign_store_${name} (.*)$`, "m").exec(await metrics.text())?.[1]);
  return { ...guarded, server, lines, lost, count, deps };
}

test("lost counters are counted, logged and told", async () => {
  const { store, server, lines, lost, count } = subject("deny");
  await store.settle(callOf("a", daily));
  server.flush();
  for (let n = 0; n < 3; n++) await store.settle(callOf("a", daily));
  expect(lost).toEqual(["a"]);
  expect(await count("counters_lost_total")).toBe(1);
  expect(lines).toMatchObject([{ level: 40, agent_id: "a", msg: expect.stringContaining("has lost counters") }]);
});

test("with deny a store that is away is away", async () => {
  const { store, server, trouble, count } = subject("deny");
  server.away = true;
  await expect(store.settle(callOf("a", daily))).rejects.toThrow("no answer");
  expect(trouble()).toBeNull();
  expect(await count("local_decisions_total")).toBe(0);
});

test("with a local share calls go on, and the operator sees it", async () => {
  const { store, server, lines, trouble, count } = subject({ local: 0.5 });
  expect(trouble()).toBeNull();
  server.away = true;
  const observation = seenCall("s", "x");
  for (let n = 0; n < 3; n++) {
    expect(await store.settle(callOf("a", daily, { observation }))).toMatchObject({ local: true });
  }
  expect(trouble()).toBe(
    "no answer within 1 ms: calls go on with 0.5 of each limit in this process; 3 observations wait for it",
  );
  expect([await count("local_decisions_total"), await count("missed_observations")]).toEqual([3, 3]);
  server.away = false;
  await until(() => trouble() === null, { what: "the store to be back" });
  expect(await count("missed_observations")).toBe(0);
  server.away = true;
  await store.settle(callOf("a", daily, { observation }));
  await store.close();
  expect([await count("missed_observations"), await count("dropped_observations_total")]).toEqual([0, 1]);
  expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
    [40, "the store is away: calls go on with a share of each limit"],
    // That it is away again so soon is not logged yet.
    [30, "the store is back"],
    [50, "sessions will not know of calls that were settled without the store"],
  ]);
});

test("the store of one process is left as it is", () => {
  const store = memoryStore(systemRuntime);
  const { deps } = subject("deny");
  expect(guardedStore(store, { on_store_failure: { local: 0.5 }, store_timeout: 250 }, deps).store).toBe(store);
});
