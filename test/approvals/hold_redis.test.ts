import { Redis } from "ioredis";
import { verifyOverride } from "../../src/approvals/override_token.js";
import { type ApprovalsService, approvalsService } from "../../src/approvals/service.js";
import { generateKey, type SigningKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { systemRuntime } from "../../src/runtime.js";
import type { Store } from "../../src/store/store.js";
import { startRedis } from "../harness/find_redis.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { until } from "../harness/until.js";
import { cleanUp, connected } from "../store/redis_fixture.js";
import { callOf, unique } from "../store/subject.js";
import { call, hash, identity, person, Records, registry, session } from "./fixture.js";

const part = await requirePart("Redis", startRedis);

const agents = Array.from({ length: 10 }, (_, n) => `agent-${n}`);
const each = 10;

/** One approval of one agent, and the call that waits for it. */
interface Held {
  id: string;
  agent: string;
  holding: Promise<string | null>;
  /** What it ended with, once it has. */
  ended?: string | null;
}

describeWith(part, "calls that are held", (use) => {
  let raw: Redis;
  let store: Store;
  let key: SigningKey;
  let service: ApprovalsService;
  /** How often each approval was looked at. */
  const looks = new Map<string, number>();

  beforeAll(async () => {
    raw = new Redis(use().url);
    // Nobody waits so long: how busy the machine is decides nothing here.
    const opened = await connected(use().url, { waitMs: 60_000 });
    store = {
      ...opened,
      approval: async (...asked) => {
        const found = await opened.approval(...asked);
        looks.set(asked[0], (looks.get(asked[0]) ?? 0) + 1);
        return found;
      },
    };
    key = await signingKeyOf(generateKey("OKP", "approvals"));
    service = approvalsService({
      store,
      key,
      registry: () => registry,
      audit: new Records(),
      runtime: systemRuntime,
      publicUrl: "http://127.0.0.1:9192/",
    });
  });
  afterAll(async () => {
    service?.release();
    await cleanUp();
    raw?.disconnect();
    await use().stop();
  });

  /** Numbers of the connections that the server has, without the test's own. */
  const connections = async (): Promise<string[]> => {
    const own = String(await raw.client("ID"));
    const all = [...String(await raw.client("LIST")).matchAll(/^id=(\d+) /gm)].map(([, id]) => id ?? "");
    return all.filter((id) => id !== own).sort();
  };
  const blocked = async () => /^blocked_clients:(\d+)/m.exec(await raw.info("clients"))?.[1];

  async function hold(agent: string): Promise<Held> {
    const asked = service.open({
      id: systemRuntime.id(),
      identity: identity(agent),
      session: { id: session.id, bound: true, initiated_by: "alice" },
      call,
      fingerprint: hash(unique("call")),
      reason: "approval_needed",
      violations: [{ rule: "allowed_environments", actual: "production", message: "production needs approval" }],
      policyVersion: "sha256:9f2c",
      decisionId: systemRuntime.id(),
      quorum: 1,
      approvers: [],
      costMicro: 0,
      expiresInMs: 900_000,
    });
    const { approval } = await store.settle(callOf(agent, {}, { approval: { kind: "open", ...asked } }));
    if (approval.outcome !== "opened") throw new Error("not opened");
    const { id } = approval;
    const holding = service.hold({ id, agent, session: session.id, ms: 600_000, cancelled: () => false });
    const one: Held = { id, agent, holding };
    void holding.then((token) => {
      one.ended = token;
    });
    return one;
  }

  test("keep no connection and nothing of the server busy", async () => {
    await store.ping();
    const before = await connections();
    const held = await Promise.all(agents.flatMap((agent) => Array.from({ length: each }, () => agent)).map(hold));
    const waiting = () => held.filter(({ ended }) => ended === undefined);
    const busy = new Set<string>();
    /** Until each of those that wait has looked again and again; all the time what they keep busy is noted. */
    const lookAround = async () => {
      looks.clear();
      await until(
        async () => {
          for (const id of await connections()) if (!before.includes(id)) busy.add(`connection ${id}`);
          const clients = await blocked();
          if (clients !== "0") busy.add(`${clients} clients`);
          return waiting().every(({ id }) => (looks.get(id) ?? 0) >= 4);
        },
        { what: "every call to look", timeoutMs: 50_000, everyMs: 5 },
      );
    };
    await lookAround();

    const rate = { intervalUs: 1, burst: 1_000 };
    const settling = Array.from({ length: 50 }, (_, n) =>
      store.settle(callOf(agents[n % agents.length] ?? "", { rate })),
    );
    const settled = await Promise.all(settling);
    expect(settled.map(({ enforced }) => enforced.outcome)).toEqual(settled.map(() => "ok"));
    expect(waiting()).toEqual(held);

    // One of each agent.
    const chosen = held.filter((_, n) => n % each === 3);
    await Promise.all(chosen.map(({ id }) => service.answer(id, person("bob"), { decision: "approve" })));
    for (const { id, agent, holding } of chosen) {
      const context = { key, now: systemRuntime.now(), agent, session: session.id };
      expect(await verifyOverride((await holding) ?? "", context)).toMatchObject({ approvalId: id });
    }
    const rest = held.filter((one) => !chosen.includes(one));
    await lookAround();
    expect(waiting()).toEqual(rest);

    service.release();
    expect(await Promise.all(rest.map(({ holding }) => holding))).toEqual(rest.map(() => null));
    expect([...busy]).toEqual([]);
    expect(await connections()).toEqual(before);
  });
});
