import { systemRuntime } from "../../src/runtime.js";
import { type SettleParts, settle } from "../../src/settle/index.js";
import { memoryStore } from "../../src/store/memory.js";
import type { Store } from "../../src/store/store.js";
import { allow, asks, deny, limits, nothing, rate, reasonOf, redeems, settled } from "./fixture.js";

describe("what is charged", () => {
  test.each<[string, Partial<SettleParts>, object | null]>([
    ["nothing without limits", {}, null],
    ["nothing for a denial", { enforced: deny, computed: deny, limits }, null],
    [
      "each kind of limit on its own counters",
      { limits },
      {
        enforced: { rate: { intervalUs: 1_000_000, burst: 1 } },
        shadow: { budget: { limitMicro: 5, costMicro: 3 } },
        approval: { kind: "none" },
      },
    ],
    [
      "only what is enforced when a rule in shadow is broken",
      { computed: deny, limits },
      { enforced: { rate: expect.anything() } },
    ],
    ["nothing in shadow for a call that would wait", { computed: asks, limits: { shadow: limits.shadow } }, null],
    [
      "all in shadow in a dry run",
      { dryRun: true, limits },
      { enforced: {}, shadow: { rate: expect.anything(), budget: expect.anything() }, approval: { kind: "none" } },
    ],
    ["nothing in a dry run for what would be denied", { dryRun: true, computed: deny, enforced: deny, limits }, null],
    ["no approval in a dry run", { dryRun: true, computed: asks, enforced: asks }, null],
    ["no approval for what only shadow asks", { computed: asks, enforced: allow }, null],
  ])("%s", async (_, parts, wanted) => {
    const { requests, run } = await settled(parts);
    await run();
    if (wanted === null) expect(requests).toEqual([]);
    else expect(requests).toMatchObject([{ agent: "deploy-manager", ...wanted }]);
    if (wanted !== null && !("shadow" in wanted)) expect(requests[0]).not.toHaveProperty("shadow");
  });

  test("the key binds Envoy's stream id and the fingerprint", async () => {
    const { requests, run, parts } = await settled({ limits });
    await run();
    await settle({ ...parts, requestId: "78" });
    await settle({ ...parts, fingerprint: "sha256:g" });
    const keys = requests.map(({ key }) => key);
    expect(keys[0]).toContain("77");
    expect(keys[0]).toContain("sha256:f");
    expect(new Set(keys).size).toBe(3);
  });

  test("the same request again gets the same answer", async () => {
    const { run } = await settled({ limits: { enforced: { rate } } });
    expect(await run()).toEqual(nothing);
    expect(await run()).toEqual(nothing);
  });

  test("another one is over the limit", async () => {
    const { run, parts } = await settled({ limits: { enforced: { rate } } });
    await run();
    expect((await settle({ ...parts, requestId: "78" })).enforced).toMatchObject({ outcome: "rate_exceeded" });
  });
});

describe("a store that is gone", () => {
  const gone = async () => {
    const store = memoryStore(systemRuntime);
    await store.close();
    return store;
  };

  test.each<[string, Partial<SettleParts>]>([
    ["enforced limits", { limits }],
    ["an approval to open", { enforced: asks, computed: asks }],
    ["an approval to redeem", { enforced: redeems, computed: redeems, override: { approvalId: "apr_1", token: "t" } }],
  ])("refuses where it is needed: %s", async (_, more) => {
    const { run } = await settled({ ...more, store: await gone() });
    expect(await reasonOf(run())).toBe("store_unavailable");
  });

  test("refuses nobody for limits in shadow, and says so", async () => {
    const { run } = await settled({ limits: { shadow: limits.shadow }, store: await gone() });
    expect(await run()).toEqual({ enforced: { outcome: "ok" }, shadow: { outcome: "unavailable" } });
  });

  test("is not asked where it is not needed", async () => {
    const { run } = await settled({ store: await gone() });
    expect(await run()).toEqual(nothing);
  });

  test("another failure is passed on as it is", async () => {
    const { parts } = await settled({ limits });
    const store: Store = { ...parts.store, settle: async () => Promise.reject(new TypeError("a bug")) };
    await expect(settle({ ...parts, store })).rejects.toThrow(TypeError);
  });
});
