import { type Store, StoreUnavailable } from "../../src/store/store.js";
import { deploy, files } from "./calls.js";
import type { AgentRequest, Told } from "./envoy.js";
import { type Files, startWorld, type World } from "./world.js";

let world: World;
const calls: string[] = [];
afterEach(() => world.close());

/** Puts a listener in front of every method of the store that goes to it. */
async function countedWorld(
  more: Partial<Files> = {},
  before: (method: string) => void = () => undefined,
): Promise<World> {
  calls.length = 0;
  const counted =
    <A extends unknown[], R>(name: string, method: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      calls.push(name);
      before(name);
      return method(...args);
    };
  return startWorld(
    { ...files, ...more },
    {
      wrap: ({ store }) => {
        const wrapped: Store = {
          shared: store.shared,
          look: counted("look", store.look),
          settle: counted("settle", store.settle),
          sessionAgents: counted("sessionAgents", store.sessionAgents),
          registry: store.registry,
          approval: counted("approval", store.approval),
          approvals: counted("approvals", store.approvals),
          answer: counted("answer", store.answer),
          mark: counted("mark", store.mark),
          marked: counted("marked", store.marked),
          once: counted("once", store.once),
          usage: counted("usage", store.usage),
          ping: counted("ping", store.ping),
          partOf: store.partOf,
          close: store.close,
        };
        return { store: wrapped };
      },
    },
  );
}

async function tripsOf(request: AgentRequest): Promise<[Told, string[]]> {
  calls.length = 0;
  const told = await world.ask(request);
  return [told, [...calls]];
}

describe("round trips to the store", () => {
  test.each([
    ["no limits", "bot", {}, "allowed", ["settle"]],
    ["no limits, in shadow", "shadow", {}, "allowed", ["settle"]],
    ["limits", "limited", {}, "allowed", ["settle"]],
    ["limits in shadow", "limited-shadow", {}, "allowed", ["settle"]],
    ["policies that ask for the session", "session-aware", {}, "allowed", ["look", "settle"]],
    ["denied by policy in spite of limits", "limited", { path: "/v1/scale" }, "action_not_allowed", ["settle"]],
    ["denied by policy in shadow", "limited-shadow", { path: "/v1/scale" }, "action_not_allowed", ["settle"]],
    ["an approval that is asked for", "asking", {}, "approval_needed", ["settle"]],
    ["nobody identified", "stranger", {}, "api_key_unknown", []],
    ["an unknown tool", "limited", { host: "unknown.internal" }, "unknown_tool", ["settle"]],
  ])("%s", async (_, agent, more, reason, wanted) => {
    world = await countedWorld();
    const [told, trips] = await tripsOf(deploy(agent, more));
    expect([told.metadata.reason, trips]).toEqual([reason, wanted]);
  });

  test("two where an approval is redeemed, and where it cannot be any more", async () => {
    world = await countedWorld();
    const [asked] = await tripsOf(deploy("asking"));
    const { id } = JSON.parse(asked.body).approval as { id: string };
    const alice = world.workspace.registry.person("alice@example.com");
    if (!alice) throw new Error("nobody to approve");
    await world.approvals.answer(id, alice, { decision: "approve" });
    const viewer = { kind: "agent", agent: "asking", session: "open:asking" } as const;
    const token = (await world.approvals.show(id, viewer))?.override_token;
    for (const reason of ["allowed", "override_used"]) {
      const [told, trips] = await tripsOf(deploy("asking", {}, token));
      expect([told.metadata.reason, trips]).toEqual([reason, ["look", "settle"]]);
    }
  });

  test("a user's Rego never goes without the session, whatever the document says", async () => {
    world = await countedWorld();
    const { policies } = world.files;
    const documentOf: typeof policies.documentOf = (agent) => {
      const applied = policies.documentOf(agent);
      const needs = { ...applied.document.needs, rego: ["agent.deploy"], session: false };
      return { ...applied, document: { ...applied.document, needs } };
    };
    world.files = { ...world.files, policies: { ...policies, documentOf } };
    const [told, trips] = await tripsOf(deploy("bot"));
    expect([told.metadata.reason, trips[0]]).toEqual(["evaluation_failed", "look"]);
  });

  test("one in a dry run, whatever is found", async () => {
    world = await countedWorld({ config: { dry_run: true } });
    for (const [agent, wanted] of [
      ["limited", ["settle"]],
      ["asking", ["settle"]],
      ["bot", ["settle"]],
    ] as const) {
      expect((await tripsOf(deploy(agent)))[1]).toEqual(wanted);
    }
  });

  test("one for a request that no tool matches, for its rate", async () => {
    world = await countedWorld({ config: { unmatched: "passthrough" } });
    const [told, trips] = await tripsOf(deploy("limited", { host: "unknown.internal" }));
    expect([told.metadata.reason, trips]).toEqual(["unmatched_passthrough", ["settle"]]);
  });
});

describe("a store that does not answer", () => {
  const unavailable = () => {
    throw new StoreUnavailable("connection refused by 10.0.0.7");
  };

  test.each([
    ["limits", "limited", 503, "deny", "enforce"],
    ["an approval that is needed", "asking", 503, "deny", "enforce"],
    ["a session to remember", "bot", 503, "deny", "enforce"],
    ["a session to look at", "session-aware", 503, "deny", "enforce"],
    ["limits in shadow", "limited-shadow", 200, "allow", "shadow"],
  ])("refuses a call with %s unless it is in shadow", async (_, agent, status, enforced, mode) => {
    world = await countedWorld({}, unavailable);
    const told = await world.ask(deploy(agent));
    expect(told.status).toBe(status);
    expect(told.metadata).toMatchObject({ decision: "deny", enforced, mode, reason: "store_unavailable" });
    expect(told.body).not.toContain("10.0.0.7");
    expect(await world.records()).toMatchObject([{ decision: "deny", enforced, reason: "store_unavailable" }]);
  });

  test("leaves a denial by policy what it is", async () => {
    world = await countedWorld({}, unavailable);
    const told = await world.ask(deploy("limited", { path: "/v1/scale" }));
    expect([told.status, told.metadata.reason]).toEqual([403, "action_not_allowed"]);
    expect(world.log).toMatchObject([{ decision_reason: "action_not_allowed", errors: [expect.anything()] }]);
  });

  test("an error that nobody foresaw refuses too", async () => {
    world = await countedWorld({}, () => {
      throw new TypeError("undefined is not a function");
    });
    expect((await world.ask(deploy("limited"))).metadata).toMatchObject({ enforced: "deny", reason: "internal_error" });
    expect((await world.ask(deploy("limited-shadow"))).metadata).toMatchObject({ enforced: "allow", decision: "deny" });
  });
});
