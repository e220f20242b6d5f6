import { deploy, files } from "./calls.js";
import type { Told } from "./envoy.js";
import { approvalOf, type HeldWorld, startHeld, viewer } from "./held_world.js";
import { startWorld, type World } from "./world.js";

/** Headers that Envoy adds to the tool's answer on its way to the agent. */
function added({ ok }: Told): Record<string, string> {
  return Object.fromEntries((ok?.response_headers_to_add ?? []).map(({ header }) => [header.key, header.value]));
}

describe("a call that passes", () => {
  let world: World;
  beforeEach(async () => {
    world = await startWorld({
      ...files,
      tools: (files.tools as object[]).map((tool) => ({ ...tool, cost: 2.5 })),
      policies: {
        "bot.yaml": {
          agent: "bot",
          actions: [{ name: "deploy" }],
          limits: { rate: "4/m", tools: { "deploy-api": { rate: "3/h" } }, daily_budget: 10, session_budget: 6 },
        },
        "shadow.yaml": { agent: "shadow", mode: "shadow", actions: [{ name: "deploy" }], limits: { daily_budget: 3 } },
      },
    });
    world.nowMs = Date.parse("2026-03-01T23:00:00Z");
  });
  afterEach(() => world.close());

  test("tells the agent what is left of each limit", async () => {
    expect(added(await world.ask(deploy("bot")))).toEqual({
      "ratelimit-policy": '"rate";q=4;w=60, "tool-rate";q=3;w=3600, "daily-budget";q=10;w=86400, "session-budget";q=6',
      ratelimit: '"rate";r=3;t=15, "tool-rate";r=2;t=1200, "daily-budget";r=7;t=3600, "session-budget";r=3;t=86400',
    });
    expect(added(await world.ask(deploy("bot")))).toMatchObject({
      ratelimit: '"rate";r=2;t=30, "tool-rate";r=1;t=2400, "daily-budget";r=5;t=3600, "session-budget";r=1;t=86400',
    });
    const refused = await world.ask(deploy("bot"));
    expect(refused).toMatchObject({ status: 429, headers: { ratelimit: '"session-budget";r=0;t=86400' } });
    expect(JSON.parse(refused.body)).toMatchObject({
      reason: "budget_exceeded",
      detail: "what is left of the session's budget does not cover this call",
      next: expect.stringContaining("/v1/usage/"),
    });
  });

  test("without limits, or with limits in shadow, is told of none", async () => {
    expect(added(await world.ask(deploy("shadow")))).toEqual({});
  });

  test("is the first to use a budget up to a threshold, and people hear of that once", async () => {
    for (let n = 0; n < 4; n++) await world.ask(deploy("bot"));
    for (let n = 0; n < 3; n++) await world.ask(deploy("shadow"));
    const warned = { kind: "budget.warning", agent: "bot", session: "open:bot", mode: "enforce" };
    expect(world.told).toEqual([
      { ...warned, limit: "session_budget", percent: 80, refused: false, spentMicro: 5_000_000, limitMicro: 6_000_000 },
      { ...warned, limit: "session_budget", percent: 100, refused: true, spentMicro: 5_000_000, limitMicro: 6_000_000 },
      {
        ...warned,
        agent: "shadow",
        session: "open:shadow",
        limit: "daily_budget",
        mode: "shadow",
        percent: 80,
        refused: false,
        spentMicro: 2_500_000,
        limitMicro: 3_000_000,
      },
      {
        ...warned,
        agent: "shadow",
        session: "open:shadow",
        limit: "daily_budget",
        mode: "shadow",
        percent: 100,
        refused: true,
        spentMicro: 2_500_000,
        limitMicro: 3_000_000,
      },
    ]);
  });
});

describe("people hear", () => {
  let here: HeldWorld;
  beforeEach(async () => {
    here = await startHeld();
    here.terms = { approvers: [], quorum: 1 };
  });
  afterEach(() => here.close());

  test("of an approval that is opened, once for all calls that join it, and of its use", async () => {
    const id = approvalOf(await here.world.ask(deploy("asking")));
    expect(approvalOf(await here.world.ask(deploy("asking")))).toBe(id);
    expect(here.world.told).toEqual([{ kind: "approval.opened", id, agent: "asking" }]);
    await here.answer(id);
    const token = (await here.world.approvals.show(id, viewer))?.override_token;
    expect((await here.world.ask(deploy("asking", {}, token))).status).toBe(200);
    expect(here.world.told.slice(1)).toEqual([{ kind: "approval.closed", id, agent: "asking" }]);
  });

  test("of a call that waits before anybody has answered", async () => {
    here.terms = { ...here.terms, holdMs: 30_000 };
    const telling = here.world.ask(deploy("asking"));
    const id = await here.asked();
    expect(here.world.told).toEqual([{ kind: "approval.opened", id, agent: "asking" }]);
    await here.answer(id);
    expect((await telling).status).toBe(200);
  });
});
