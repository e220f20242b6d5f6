import { systemRuntime } from "../../src/runtime.js";
import type { SettleParts } from "../../src/settle/index.js";
import { note } from "../../src/settle/index.js";
import { memoryStore } from "../../src/store/memory.js";
import { type Store, StoreUnavailable } from "../../src/store/store.js";
import { call } from "../approvals/fixture.js";
import { allow, asks, deny, limits, nothing, rate, reasonOf, redeems, settle, settled } from "./fixture.js";

describe("what is charged", () => {
  const none = { enforced: {}, approval: { kind: "none" } };

  test.each<[string, Partial<SettleParts>, object]>([
    ["nothing without limits", {}, none],
    ["nothing for a denial", { enforced: deny, computed: deny, limits }, none],
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
    ["nothing in shadow for a call that would wait", { computed: asks, limits: { shadow: limits.shadow } }, none],
    [
      "all in shadow in a dry run",
      { dryRun: true, limits },
      { enforced: {}, shadow: { rate: expect.anything(), budget: expect.anything() }, approval: { kind: "none" } },
    ],
    ["nothing in a dry run for what would be denied", { dryRun: true, computed: deny, enforced: deny, limits }, none],
    ["no approval in a dry run", { dryRun: true, computed: asks, enforced: asks }, none],
    ["no approval for what only shadow asks", { computed: asks, enforced: allow }, none],
  ])("%s", async (_, parts, wanted) => {
    const { requests, run } = await settled(parts);
    await run();
    expect(requests).toMatchObject([{ agent: "deploy-manager", ...wanted }]);
    expect(Object.keys(requests[0]?.enforced ?? {})).toEqual(Object.keys((wanted as typeof none).enforced));
    if (!("shadow" in wanted)) expect(requests[0]).not.toHaveProperty("shadow");
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
    expect(await run()).toMatchObject({ ...nothing, counters: { charges: 1 } });
    // Once more is no more: it is answered as it was the first time, and says nothing of the session.
    const { before: _, ...again } = nothing;
    expect(await run()).toEqual({ ...again, counters: null, warnings: [] });
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
  ])("refuses where it is needed: %s", async (_, more) => {
    const { run } = await settled({ ...more, store: await gone() });
    expect(await reasonOf(run())).toBe("store_unavailable");
  });

  test("refuses what it only has to remember too: a session that forgets would come out clean", async () => {
    for (const more of [{}, { limits: { shadow: limits.shadow } }, { dryRun: true }]) {
      const { run } = await settled({ ...more, store: await gone() });
      expect(await reasonOf(run())).toBe("store_unavailable");
    }
  });

  test("leaves a denial what it is, and says what went wrong", async () => {
    const { run } = await settled({ enforced: deny, computed: deny, store: await gone() });
    const { before: _, ...unknown } = nothing;
    expect(await run()).toEqual({ ...unknown, trouble: expect.any(StoreUnavailable) });
  });

  test("another failure is passed on as it is", async () => {
    const { parts } = await settled({ limits });
    const store: Store = { ...parts.store, settle: async () => Promise.reject(new TypeError("a bug")) };
    await expect(settle({ ...parts, store })).rejects.toThrow(TypeError);
  });
});

describe("what the session is to remember", () => {
  const exposing = { ...call, classification: ["pii"] };

  test.each<[string, Partial<SettleParts>, object]>([
    ["a call that passes", { call: exposing }, { outcome: "passed", refusal: null, classification: ["pii"] }],
    ["a denial", { enforced: deny, computed: deny }, { outcome: "refused", refusal: "max_n" }],
    ["a denial in shadow: it passes", { enforced: allow, computed: deny }, { outcome: "passed", refusal: null }],
    ["a call that waits", { enforced: asks, computed: asks }, { outcome: "asked", refusal: null }],
    ["anything in a dry run: it passes", { enforced: deny, computed: deny, dryRun: true }, { outcome: "passed" }],
    ["what was found in the call", { tags: ["phi"], indicators: ["prompt_injection"] }, { tags: ["phi"] }],
    ["a session that no token binds", { session: { id: "open:deploy-manager", bound: false } }, { bound: false }],
  ])("%s", async (_, parts, wanted) => {
    const { requests, run } = await settled(parts);
    await run();
    expect(requests).toMatchObject([{ observation: { tool: "deploy-api", detail: "deploy-api:deploy", ...wanted } }]);
  });

  test("it is told so once the store knows", async () => {
    let told = 0;
    const { run } = await settled({ onObserved: () => void told++ });
    await run();
    expect(told).toBe(1);
    const { run: late } = await settled({
      override: { approvalId: "apr_1", token: "t" },
      enforced: redeems,
      onObserved: () => void told++,
    });
    expect(await reasonOf(late())).toBe("override_invalid");
    expect(told).toBe(1);
  });

  test("a refusal before that is noted; what is our own fault is no refusal", async () => {
    const { parts, requests } = await settled({});
    const seen = { ...parts, call: null, agent: "deploy-manager", key: "77/d" };
    await note(seen, { verdict: "deny", reason: "unknown_tool" });
    await note(seen, { verdict: "deny", reason: "internal_error" });
    await note(seen, { verdict: "allow", reason: "allowed" });
    expect(requests.map(({ observation }) => observation)).toMatchObject([
      { outcome: "refused", refusal: "unknown_tool", indicators: ["unknown_tool"], tool: null, detail: "?:?" },
      { outcome: "asked", refusal: null, indicators: [] },
      { outcome: "passed", refusal: null, indicators: [] },
    ]);
  });
});

test("the detail of an anomaly is cut between characters", async () => {
  const { requests, run } = await settled({ call: { ...call, action: `${"a".repeat(244)}${"😀".repeat(300)}` } });
  await run();
  const detail = requests[0]?.observation?.detail ?? "";
  expect([...detail]).toHaveLength(256);
  expect(detail).not.toMatch(/\p{Surrogate}/u);
});
