import { setTimeout as sleep } from "node:timers/promises";
import { StoreUnavailable } from "../../src/store/store.js";
import { until } from "../harness/until.js";
import { daily, hourMs, lookAt, seenCall, subject } from "./fallback_subject.js";
import { callOf } from "./subject.js";

describe("what sessions have to remember", () => {
  test("it is told in order before the agent's next call, and as it came out here", async () => {
    const { server, store, passes, trouble, counts } = subject();
    const see = (detail: string) => ({ observation: seenCall("s", detail, { classification: ["pii"] }) });
    server.away = true;
    expect(await passes("a", daily(10), see("1"))).toBe(true);
    expect(await passes("a", daily(10), see("2"))).toBe(true);
    expect(await passes("a", daily(10), see("3"))).toBe(false);
    expect(await passes("b", daily(10), see("1"))).toBe(true);
    expect(trouble()).toContain("calls go on with 0.2 of each limit in this process; 4 observations wait for it");
    server.away = false;
    const look = await until(() => store.look(lookAt("a", "s")), { what: "the store to be back" });
    expect(look.session).toMatchObject({ calls: 3, passed: 2, refused: 1, classification: ["pii"], tools: ["crm"] });
    expect(look.session?.recent).toMatchObject([{ reason: "budget_exceeded", detail: "3" }]);
    const told = server.settled.filter(({ agent }) => agent === "a");
    expect(told.map(({ observation }) => observation?.detail)).toEqual(["1", "2", "3"]);
    expect(new Set(told.map(({ key }) => key)).size).toBe(3);
    expect(told.every(({ enforced, shadow }) => Object.keys({ ...enforced, ...shadow }).length === 0)).toBe(true);
    await until(() => counts.waiting === 0, { what: "the other agent's observation to be told" });
    expect(server.settled.filter(({ agent }) => agent === "b")).toHaveLength(1);
    expect(trouble()).toBeNull();
  });

  test("an agent goes on with its share until the store knows everything of it; others do not wait", async () => {
    const { server, store, passes, counts } = subject({ waitMs: 50 });
    server.away = true;
    await passes("a", daily(100), { observation: seenCall("s", "1") });
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.delay = ({ key }) => (key.startsWith("missed/") ? held : Promise.resolve());
    server.away = false;
    await until(async () => !(await store.settle(callOf("b", daily(100)))).local, { what: "the store to be back" });
    expect(await store.settle(callOf("a", daily(100), { observation: seenCall("s", "2") }))).toMatchObject({
      local: true,
    });
    await expect(store.look(lookAt("a", "s"))).rejects.toThrow("does not know yet");
    release();
    await until(() => counts.waiting === 0, { what: "the observations to be told" });
    expect(await store.settle(callOf("a", daily(100)))).not.toHaveProperty("local");
    const told = server.settled.filter(({ observation }) => observation).map(({ observation }) => observation?.detail);
    expect(told).toEqual(["1", "2"]);
  });

  test("without room for them nothing passes, and one agent does not take the room of others", async () => {
    const { server, passes, store, counts, trouble } = subject({ most: { ofAgent: 3, inAll: 5 } });
    const see = { observation: seenCall("s", "x") };
    server.away = true;
    const refused = (agent: string) =>
      expect(store.settle(callOf(agent, daily(100), see))).rejects.toThrow(StoreUnavailable);
    for (let n = 0; n < 3; n++) expect(await passes("a", daily(100), see)).toBe(true);
    await refused("a");
    // Of one agent no more than there is room left.
    expect(await passes("b", daily(100), see)).toBe(true);
    for (const agent of ["a", "b"]) await refused(agent);
    expect(await passes("c", daily(100), see)).toBe(true);
    for (const agent of ["a", "b", "c", "d"]) await refused(agent);
    expect(counts).toEqual({ local: 5, waiting: 5, dropped: 0 });
    server.away = false;
    await until(() => trouble() === null, { what: "the observations to be told" });
    expect(await passes("c", daily(100), see)).toBe(true);
    expect(counts).toEqual({ local: 5, waiting: 0, dropped: 0 });
  });

  test("calls in a loop leave room for other agents, whether limits refuse them or not", async () => {
    const { passes, server, counts, store } = subject();
    server.away = true;
    const loops = Array.from({ length: 10 }, (_, n) => `loop-${n}`);
    for (const agent of loops) {
      for (let n = 0; n < 1_000; n++) await passes(agent, daily(10), { observation: seenCall("s", `${n}`) });
    }
    expect(counts).toEqual({ local: 10_000, waiting: 10 * 3, dropped: 0 });
    for (const agent of loops) {
      const free = () => passes(agent, {}, { observation: seenCall("s", "x") });
      while (await free().catch(() => false)) {}
    }
    expect(counts.waiting).toBeLessThan(9_800);
    for (let n = 0; n < 100; n++) {
      expect(await passes("innocent", {}, { observation: seenCall("s", "x") })).toBe(true);
    }
    await store.close();
  });

  test("of refusals by limits one for each session and reason is told, and all that say more", async () => {
    const { passes, server, trouble, store } = subject();
    const rate = { rate: { intervalUs: hourMs * 1000, burst: 1 } };
    server.away = true;
    for (const session of ["s", "t"]) {
      for (let n = 0; n < 3; n++) await passes("a", daily(1), { observation: seenCall(session, "budget") });
      await passes("a", daily(1), { observation: seenCall(session, "tagged", { tags: ["pii"] }) });
      await passes("a", daily(1), {
        observation: seenCall(session, "found", { indicators: ["prompt_injection"] }),
      });
      for (let n = 0; n < 3; n++) await passes("a", rate, { observation: seenCall(session, "rate") });
      const denied = { outcome: "refused" as const, refusal: "max_replicas" };
      for (let n = 0; n < 2; n++) await passes("a", {}, { observation: seenCall(session, "denied", denied) });
    }
    server.away = false;
    await until(() => trouble() === null, { what: "the observations to be told" });
    const told = server.settled.map(({ observation }) => `${observation?.session} ${observation?.detail}`);
    const ofSession = (session: string) => told.filter((one) => one.startsWith(session)).map((one) => one.slice(2));
    expect(ofSession("t")).toEqual(["budget", "tagged", "found", "rate", "denied", "denied"]);
    expect(ofSession("s").filter((one) => one !== "rate")).toEqual(["budget", "tagged", "found", "denied", "denied"]);
    await store.close();
  });

  test("what the store does not take of one agent holds up no other, and is not forgotten", async () => {
    const { server, passes, store, counts, events } = subject();
    let sick = true;
    const delay = server.delay;
    server.delay = async (request) => {
      if (sick && request.agent === "sick") throw new StoreUnavailable("it does not like that");
      await delay(request);
    };
    const see = { observation: seenCall("s", "x") };
    expect(await store.settle(callOf("sick", daily(100), see))).toMatchObject({ local: true });
    await until(() => events.length === 2, { what: "the store to be back" });
    for (let n = 0; n < 20; n++) {
      expect(await store.settle(callOf("sick", {}, see))).toMatchObject({ local: true });
      expect(await store.settle(callOf("well", daily(100), see))).not.toHaveProperty("local");
    }
    expect(events).toEqual(["away", "back"]);
    expect(counts.waiting).toBe(21);
    sick = false;
    expect(await passes("sick", {})).toBe(true);
    expect(counts).toMatchObject({ waiting: 0, dropped: 0 });
  });

  test("that the store is away again shows also where it is only told of what it has missed", async () => {
    const { server, passes, events } = subject();
    server.away = true;
    await passes("a", {}, { observation: seenCall("s", "x") });
    server.delay = async () => {
      throw new StoreUnavailable("it does not like that");
    };
    server.away = false;
    await until(() => events.length === 2, { what: "the store to be back" });
    server.away = true;
    await passes("a", {}, {});
    await until(() => events.length === 3, { what: "the store to be away" });
    expect(events).toEqual(["away", "back", "away"]);
  });

  test("what a process cannot tell before it ends is counted", async () => {
    const { server, passes, store, counts } = subject();
    server.away = true;
    await passes("a", {}, { observation: seenCall("s", "x") });
    await store.close();
    expect(counts).toEqual({ local: 1, waiting: 0, dropped: 1 });
    const other = subject();
    other.server.away = true;
    await other.passes("a", {}, { observation: seenCall("s", "x") });
    await other.back();
    expect(other.counts).toMatchObject({ dropped: 0, waiting: 0 });
    other.server.delay = () => sleep(100);
    const failing = other.server.reply;
    other.server.reply = async () => {
      other.server.reply = failing;
      throw new StoreUnavailable("no answer");
    };
    await other.passes("a", {}, { observation: seenCall("s", "y") });
    await other.store.close();
    expect(other.counts).toMatchObject({ dropped: 0, waiting: 0 });
  });
});
