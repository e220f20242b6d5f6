import { setTimeout as sleep } from "node:timers/promises";
import type { StorePlace } from "../../src/config/store.js";
import {
  type AgentFlag,
  revocationGraceMs,
  type Seen,
  type SharedRegistry,
  type StoredAgent,
} from "../../src/store/shared_registry.js";
import type { Store } from "../../src/store/store.js";
import { connected } from "./redis_fixture.js";
import type { RedisSubject } from "./redis_subject.js";
import { unique } from "./subject.js";

/** A registry under test as two processes have it, and the means to let time pass. */
export interface RegistrySubject {
  registry: SharedRegistry;
  other: SharedRegistry;
  /** By the store's clock. */
  nowMs(): number;
  /** Lets time pass for tasks of one agent. */
  advance(agent: string, ms: number): Promise<void>;
  /** Lets a little time pass for everything. */
  pass(ms: number): Promise<void>;
}

export function agentOf(id: string, more: Partial<StoredAgent> = {}): StoredAgent {
  return {
    id,
    model: "some-model-1",
    scopes: ["deploy-api:*"],
    roles: ["ci", "käse ☃"],
    spiffe: [`spiffe://cluster.local/${id}`],
    disabled: false,
    keys: [{ sha256: "ab".repeat(32) }, { sha256: "cd".repeat(32), untilMs: 1_900_000_000_000 }],
    createdAtMs: 1_800_000_000_000,
    revision: 1,
    proof: "a.proof",
    ...more,
  };
}

export function flagOf(id: string, more: Partial<AgentFlag> = {}): AgentFlag {
  return { id, disabled: true, revision: 1, proof: "a.proof", ...more };
}

/** Everything since `seen`, page by page. */
export async function everything(registry: SharedRegistry, seen: Seen | null) {
  const all = { agents: [] as StoredAgent[], flags: [] as object[], revoked: [] as object[], pages: 0, lost: false };
  for (let place = seen; ; ) {
    const { agents, flags, revoked, more, lost, seen: next } = await registry.changes(place);
    all.agents.push(...agents);
    all.flags.push(...flags);
    all.revoked.push(...revoked);
    all.pages += 1;
    all.lost ||= lost;
    place = next;
    if (!more) return { ...all, seen: next };
  }
}

/** The registry of a store in Redis, which a second process shares. `cleanUp` of the fixture ends that one. */
export function redisRegistryConformance(
  subject: () => Pick<RedisSubject, "store" | "prefix" | "advance">,
  place: () => StorePlace,
): void {
  let other: Store;
  beforeAll(async () => {
    other = await connected(place(), { waitMs: 5000, prefix: subject().prefix });
  });
  registryConformance(() => ({
    registry: subject().store.registry,
    other: other.registry,
    nowMs: Date.now,
    pass: async (ms) => void (await sleep(ms)),
    advance: subject().advance,
  }));
}

/** What the registry of every store has to do. */
export function registryConformance(subject: () => RegistrySubject): void {
  const nothing = { agents: [], flags: [], revoked: [], more: false, lost: false };
  const seenNow = async () => (await everything(subject().registry, null)).seen;

  test("an agent comes back as it was written, to every process, and once", async () => {
    const { registry, other } = subject();
    const before = await seenNow();
    const [first, second] = [agentOf(unique("a/b@c:")), agentOf(unique("plain"), { keys: [], spiffe: [] })];
    const { model: _, ...bare } = second;
    expect(await registry.putAgent(first)).toBe(true);
    expect(await other.putAgent(bare)).toBe(true);
    for (const one of [registry, other]) {
      const told = await one.changes(before);
      expect(told).toMatchObject({ agents: [first, bare], flags: [], revoked: [], more: false, lost: false });
      expect(await one.changes(told.seen)).toEqual({ ...nothing, seen: told.seen });
    }
    expect((await everything(other, null)).agents).toEqual(expect.arrayContaining([first, bare]));
  });

  test("an agent is written over its previous revision only", async () => {
    const { registry, other } = subject();
    const id = unique("agent");
    expect(await registry.putAgent(agentOf(id, { revision: 2 }))).toBe(false);
    expect(await registry.putAgent(agentOf(id))).toBe(true);
    expect(await other.putAgent(agentOf(id))).toBe(false);
    const seen = await seenNow();
    expect(await registry.putAgent(agentOf(id, { revision: 3 }))).toBe(false);
    expect(await registry.changes(seen)).toEqual({ ...nothing, seen });
    expect(await other.putAgent(agentOf(id, { revision: 2, disabled: true }))).toBe(true);
    expect((await registry.changes(seen)).agents).toEqual([agentOf(id, { revision: 2, disabled: true })]);
  });

  test("an agent that was lost is written as it was, over what there is", async () => {
    const { registry, other } = subject();
    const id = unique("agent");
    const seen = await seenNow();
    expect(await registry.putAgent(agentOf(id, { revision: 7 }), 1)).toBe(false);
    expect(await registry.putAgent(agentOf(id, { revision: 7 }), 0)).toBe(true);
    expect(await other.putAgent(agentOf(id, { revision: 8 }), 0)).toBe(false);
    expect(await other.putAgent(agentOf(id, { revision: 9 }), 7)).toBe(true);
    expect((await registry.changes(seen)).agents).toEqual([agentOf(id, { revision: 9 })]);
    expect(await registry.putAgent(agentOf(id, { revision: 10 }))).toBe(true);
  });

  test("of 20 writers at once of one revision, one gets through", async () => {
    const id = unique("agent");
    const writers = Array.from({ length: 20 }, (_, n) => (n % 2 ? subject().registry : subject().other));
    const written = await Promise.all(writers.map((one, n) => one.putAgent(agentOf(id, { model: `model-${n}` }))));
    expect(written.filter(Boolean)).toHaveLength(1);
    const held = (await everything(subject().registry, null)).agents.filter((agent) => agent.id === id);
    expect(held).toEqual([agentOf(id, { model: `model-${written.indexOf(true)}` })]);
  });

  test("an agent is written over whatever there is when that is wanted", async () => {
    const { registry, other } = subject();
    const id = unique("agent");
    expect(await registry.putAgent(agentOf(id, { revision: 7 }), null)).toBe(true);
    expect(await other.putAgent(agentOf(id), null)).toBe(true);
    expect(await registry.putAgent(agentOf(id, { revision: 2 }))).toBe(true);
  });

  test("that an agent is disabled or enabled is written over its previous revision, or over whatever there is", async () => {
    const { registry, other } = subject();
    const id = unique("file/agent");
    const before = await seenNow();
    expect(await registry.putFlag(flagOf(id, { revision: 2 }))).toBe(false);
    expect(await other.changes(before)).toEqual({ ...nothing, seen: before });
    expect(await registry.putFlag(flagOf(id))).toBe(true);
    const off = await other.changes(before);
    expect(off).toMatchObject({ agents: [], flags: [flagOf(id)] });
    expect(await other.putFlag(flagOf(id))).toBe(false);
    expect(await registry.changes(off.seen)).toEqual({ ...nothing, seen: off.seen });
    expect(await other.putFlag(flagOf(id, { disabled: false, revision: 2 }))).toBe(true);
    expect((await registry.changes(off.seen)).flags).toEqual([flagOf(id, { disabled: false, revision: 2 })]);
    expect((await registry.changes(before)).flags).toEqual([flagOf(id, { disabled: false, revision: 2 })]);
    expect(await registry.putFlag(flagOf(id, { revision: 5 }), null)).toBe(true);
    expect(await other.putFlag(flagOf(id, { revision: 9 }), 5)).toBe(true);
    expect((await registry.changes(off.seen)).flags).toEqual([flagOf(id, { revision: 9 })]);
  });

  test("a revoked token is told once, also when it is revoked again", async () => {
    const { registry, other, nowMs } = subject();
    const token = { jti: unique("jti:{}"), expiresAtMs: nowMs() + 60_000 };
    const before = await seenNow();
    await registry.revoke(token);
    const told = await other.changes(before);
    expect(told.revoked).toEqual([token]);
    await other.revoke(token);
    await other.revoke({ ...token, expiresAtMs: token.expiresAtMs - 1 });
    expect(await registry.changes(told.seen)).toEqual({ ...nothing, seen: told.seen });
    await other.revoke({ ...token, expiresAtMs: token.expiresAtMs + 1 });
    expect((await registry.changes(told.seen)).revoked).toEqual([{ ...token, expiresAtMs: token.expiresAtMs + 1 }]);
  });

  test("a revoked token is told until a while after it has expired", async () => {
    const { registry, other, nowMs, pass } = subject();
    const soon = { jti: unique("soon"), expiresAtMs: nowMs() - revocationGraceMs + 400 };
    const past = { jti: unique("past"), expiresAtMs: nowMs() - revocationGraceMs };
    const before = await seenNow();
    await registry.revoke(soon);
    await registry.revoke(past);
    expect((await other.changes(before)).revoked).toEqual([soon]);
    await pass(450);
    expect((await other.changes(before)).revoked).toEqual([]);
    expect((await everything(other, null)).revoked).not.toContainEqual(soon);
  });

  test("the first task that is given for a session wins, and is kept after its last use", async () => {
    const { registry, other, advance } = subject();
    const [agent, session] = [unique("agent"), unique("ses/{1}")];
    const pin = (task: string | null, ttlMs = 600_000) => registry.pinTask(agent, session, task, ttlMs);
    expect(await pin(null)).toBeNull();
    expect(await pin('{"service":["shop"]}')).toBe('{"service":["shop"]}');
    expect(await other.pinTask(agent, session, '{"service":["other"]}', 600_000)).toBe('{"service":["shop"]}');
    expect(await pin(null)).toBe('{"service":["shop"]}');
    expect(await other.pinTask(agent, unique("ses"), null, 1000)).toBeNull();
    expect(await other.pinTask(unique("agent"), session, null, 1000)).toBeNull();
    await advance(agent, 400_000);
    expect(await pin(null)).toBe('{"service":["shop"]}');
    await advance(agent, 400_000);
    expect(await pin(null, 1)).toBe('{"service":["shop"]}');
    await advance(agent, 190_000);
    expect(await pin(null, 1)).toBe('{"service":["shop"]}');
    await advance(agent, 20_000);
    expect(await pin('{"service":["other"]}')).toBe('{"service":["other"]}');
  });

  test("of 20 tasks at once for one session, one holds for all", async () => {
    const [agent, session] = [unique("agent"), unique("ses")];
    const pins = Array.from({ length: 20 }, (_, n) =>
      (n % 2 ? subject().registry : subject().other).pinTask(agent, session, `{"n":${n}}`, 60_000),
    );
    expect(new Set(await Promise.all(pins)).size).toBe(1);
  });

  test.each<[string, (registry: SharedRegistry) => Promise<unknown>]>([
    ["an empty id", (one) => one.putAgent(agentOf(""))],
    ["half a character", (one) => one.putFlag(flagOf("\ud800"))],
    ["an agent without a proof", (one) => one.putAgent(agentOf("a", { proof: "" }))],
    ["a flag without a revision", (one) => one.putFlag(flagOf("a", { revision: 0 }))],
    ["revision 0", (one) => one.putAgent(agentOf("a", { revision: 0 }))],
    ["a revision over itself", (one) => one.putAgent(agentOf("a", { revision: 2 }), 2)],
    ["a key in clear", (one) => one.putAgent(agentOf("a", { keys: [{ sha256: "secret" }] }))],
    [
      "a key that ends never",
      (one) => one.putAgent(agentOf("a", { keys: [{ sha256: "ab".repeat(32), untilMs: NaN }] })),
    ],
    ["no jti", (one) => one.revoke({ jti: "", expiresAtMs: 1 })],
    ["a token that never expires", (one) => one.revoke({ jti: "a", expiresAtMs: Infinity })],
    ["an empty task", (one) => one.pinTask("a", "b", "", 1)],
    ["no session", (one) => one.pinTask("a", "", null, 1)],
    ["no time", (one) => one.pinTask("a", "b", null, 0)],
    ["a place that nobody gave", (one) => one.changes("somewhere")],
  ])("%s is a mistake of the caller", async (_, work) => {
    await expect(work(subject().registry)).rejects.toThrow(RangeError);
  });
}
