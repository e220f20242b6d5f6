import { approvalRetentionMs, type Charge } from "../../src/store/store.js";
import { answerOf, callOf, draftOf, open, redeem, type Subject, unique } from "./subject.js";

const once: Charge = { rate: { intervalUs: 3_600_000_000, burst: 1 } };
const budget = (limitMicro: number, costMicro: number): Charge => ({ budget: { limitMicro, costMicro } });

export function approvalsConformance(subject: () => Subject): void {
  const opened = async (more: Parameters<typeof draftOf>[1] = {}) => {
    const draft = draftOf(more.agent ?? unique("agent"), more);
    await open(subject().store, draft);
    return draft;
  };
  const approved = async (more: Parameters<typeof draftOf>[1] = {}) => {
    const draft = await opened(more);
    const { outcome } = await subject().store.answer(draft.id, answerOf("alice", "approve"));
    expect(outcome).toBe("approved");
    return draft;
  };

  test("what is opened is what people see", async () => {
    const draft = draftOf(unique("agent"));
    const result = await open(subject().store, draft);
    const { expiresInMs, ...kept } = draft;
    const approval = await subject().store.approval(draft.id);
    expect(approval).toEqual({
      ...kept,
      status: "pending",
      answers: [],
      createdAtMs: expect.any(Number),
      expiresAtMs: (approval?.createdAtMs ?? 0) + expiresInMs,
    });
    expect(result.approval).toEqual({
      outcome: "opened",
      fresh: true,
      id: draft.id,
      expiresAtMs: approval?.expiresAtMs,
    });
    expect(await subject().store.approval(unique("apr"))).toBeNull();
  });

  test("a decided or expired call opens a new approval", async () => {
    for (const decision of ["approve", "deny"] as const) {
      const draft = await opened();
      await subject().store.answer(draft.id, answerOf("alice", decision));
      const next = await open(subject().store, { ...draft, id: unique("apr") });
      expect(next.approval).toMatchObject({ outcome: "opened", fresh: true });
    }
    const draft = await opened({ expiresInMs: 60_000 });
    await subject().advance(draft.agent, 60_000);
    const next = await open(subject().store, { ...draft, id: unique("apr") });
    expect(next.approval).toMatchObject({ outcome: "opened", fresh: true });
  });

  test("opening checks the limits and takes nothing from them", async () => {
    const agent = unique("agent");
    const { store } = subject();
    const charge = { ...once, ...budget(5, 5) };
    for (let n = 0; n < 3; n++) {
      expect(await open(store, draftOf(agent), charge)).toMatchObject({
        enforced: { outcome: "ok" },
        approval: { fresh: true },
      });
    }
    const draft = draftOf(agent);
    expect(await open(store, draft, budget(5, 6))).toMatchObject({
      enforced: { outcome: "budget_exceeded", spentMicro: 0 },
      approval: { outcome: "none" },
    });
    expect(await store.approval(draft.id)).toBeNull();
  });

  test("200 opened at once: exactly as many as may be pending", async () => {
    const agent = unique("agent");
    const { store } = subject();
    const results = await Promise.all(Array.from({ length: 200 }, () => open(store, draftOf(agent), {}, 100)));
    const outcomes = results.map(({ approval }) => approval.outcome);
    expect(outcomes.filter((outcome) => outcome === "opened")).toHaveLength(100);
    expect(outcomes.filter((outcome) => outcome === "exceeded")).toHaveLength(100);
    expect(await store.approvals({ agent, limit: 1000 })).toHaveLength(100);
    expect((await open(store, draftOf(unique("agent")), {}, 1)).approval).toMatchObject({ fresh: true });
  });

  test("joined, decided and expired approvals do not count as pending; a part of a quorum does", async () => {
    const { store, advance } = subject();
    const agent = unique("agent");
    const opens = async (more: Parameters<typeof draftOf>[1] = {}) => {
      const draft = draftOf(agent, more);
      return { draft, outcome: (await open(store, draft, {}, 2)).approval };
    };
    const first = await opens({ quorum: 2 });
    const second = await opens({ expiresInMs: 600_000 });
    for (const { draft } of [first, second]) {
      const { fingerprint, quorum, expiresInMs } = draft;
      const joined = await opens({ fingerprint, quorum, expiresInMs });
      expect(joined.outcome).toMatchObject({ outcome: "opened", fresh: false, id: draft.id });
    }
    expect((await opens()).outcome).toMatchObject({ outcome: "exceeded" });

    expect(await store.answer(first.draft.id, answerOf("alice", "approve"))).toMatchObject({ outcome: "recorded" });
    expect((await opens()).outcome).toMatchObject({ outcome: "exceeded" });
    expect(await store.answer(first.draft.id, answerOf("bob", "approve"))).toMatchObject({ outcome: "approved" });
    const third = await opens();
    expect(third.outcome).toMatchObject({ fresh: true });
    expect((await opens()).outcome).toMatchObject({ outcome: "exceeded" });
    await store.answer(third.draft.id, answerOf("alice", "deny"));
    expect((await opens()).outcome).toMatchObject({ fresh: true });

    const { outcome } = await opens();
    if (outcome.outcome !== "exceeded") throw new Error("not exceeded");
    expect(outcome.retryAfterMs).toBeLessThanOrEqual(600_000);
    expect(outcome.retryAfterMs).toBeGreaterThanOrEqual(600_000 - subject().driftMs());
    await advance(agent, outcome.retryAfterMs - 1 - subject().driftMs());
    await advance(agent, subject().driftMs() + 1);
    expect((await opens()).outcome).toMatchObject({ fresh: true });
    expect((await opens()).outcome).toMatchObject({ outcome: "exceeded" });
    await advance(agent, 900_000);
    for (const fresh of [await opens(), await opens()]) expect(fresh.outcome).toMatchObject({ fresh: true });
    expect((await opens()).outcome).toMatchObject({ outcome: "exceeded" });
  });

  test("too many pending take nothing, are weighed afresh, and hinder no redemption", async () => {
    const { store } = subject();
    const agent = unique("agent");
    const good = await approved({ agent });
    const pending = draftOf(agent);
    await open(store, pending, {}, 1);
    const draft = draftOf(agent);
    const request = { ...callOf(agent, budget(9, 9)), approval: { kind: "open" as const, draft, maxPending: 1 } };
    const refused = await store.settle(request);
    expect(refused).toMatchObject({ replayed: false, enforced: { outcome: "ok" }, approval: { outcome: "exceeded" } });
    expect(await store.approval(draft.id)).toBeNull();
    expect(await redeem(store, good, budget(9, 9))).toMatchObject({ approval: { outcome: "redeemed" } });
    await store.answer(pending.id, answerOf("alice", "deny"));
    expect(await store.settle({ ...request, enforced: {} })).toMatchObject({ approval: { fresh: true } });
  });

  test("an approval read by its agent is that agent's", async () => {
    const { store } = subject();
    const draft = await opened();
    expect(await store.approval(draft.id, draft.agent)).toEqual(await store.approval(draft.id));
    expect(await store.approval(draft.id, unique("agent"))).toBeNull();
    expect(await store.approval(unique("apr"), draft.agent)).toBeNull();
    await expect(store.approval(draft.id, "")).rejects.toThrow(RangeError);
  });

  test("a taken id is never overwritten", async () => {
    const draft = await opened();
    await expect(open(subject().store, { ...draft, fingerprint: unique("fp") })).rejects.toThrow("taken");
    expect(await subject().store.approval(draft.id)).toMatchObject({ fingerprint: draft.fingerprint });
  });

  test("redeeming charges, and happens once", async () => {
    const draft = await approved();
    const { store } = subject();
    expect(await redeem(store, draft, budget(5, 5))).toMatchObject({
      enforced: { outcome: "ok" },
      approval: { outcome: "redeemed" },
    });
    expect(await store.approval(draft.id)).toMatchObject({ status: "consumed" });
    expect(await redeem(store, draft, budget(10, 5))).toMatchObject({
      approval: { outcome: "refused", why: "consumed" },
    });
    expect(await redeem(store, draft, budget(5, 1))).toMatchObject({
      enforced: { outcome: "budget_exceeded", spentMicro: 5 },
      approval: { outcome: "none" },
    });
  });

  test("100 redemptions at once: exactly one goes through and is charged", async () => {
    const draft = await approved();
    const results = await Promise.all(
      Array.from({ length: 100 }, () => redeem(subject().store, draft, budget(1000, 1))),
    );
    const outcomes = results.map(({ approval }) => (approval.outcome === "refused" ? approval.why : approval.outcome));
    expect(outcomes.filter((outcome) => outcome === "redeemed")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "consumed")).toHaveLength(99);
    expect((await redeem(subject().store, draft, budget(0, 1))).enforced).toMatchObject({ spentMicro: 1 });
  });

  test("a refused limit leaves the approval unused", async () => {
    const draft = await approved();
    const { store } = subject();
    expect(await redeem(store, draft, budget(1, 2))).toMatchObject({ approval: { outcome: "none" } });
    expect(await store.approval(draft.id)).toMatchObject({ status: "approved" });
    expect(await redeem(store, draft, budget(2, 2))).toMatchObject({ approval: { outcome: "redeemed" } });
  });

  test("a redemption is replayed by its key, not repeated", async () => {
    const { agent, id, fingerprint } = await approved();
    const request = {
      agent,
      key: unique("key"),
      enforced: budget(9, 1),
      shadow: budget(9, 2),
      approval: { kind: "redeem" as const, id, fingerprint },
    };
    const first = await subject().store.settle(request);
    expect(first).toMatchObject({
      replayed: false,
      session: null,
      enforced: { outcome: "ok" },
      shadow: { outcome: "ok" },
      approval: { outcome: "redeemed" },
    });
    expect(await subject().store.settle(request)).toEqual({
      ...first,
      replayed: true,
      counters: null,
      warnings: [],
    });
  });

  test("what cannot be redeemed says why and takes nothing", async () => {
    const { store, advance } = subject();
    const refusal = async (draft: { agent: string; id: string; fingerprint: string }) => {
      const result = await redeem(store, draft, budget(9, 9));
      return result.approval.outcome === "refused" ? result.approval.why : result.approval.outcome;
    };
    const good = await approved();
    expect(await refusal({ ...good, id: unique("apr") })).toBe("not_found");
    expect(await refusal({ ...good, agent: unique("agent") })).toBe("not_found");
    expect(await refusal({ ...good, fingerprint: `${good.fingerprint}x` })).toBe("mismatch");

    expect(await refusal(good)).toBe("redeemed");

    const pending = await opened();
    expect(await refusal(pending)).toBe("not_approved");
    const denied = await opened();
    await store.answer(denied.id, answerOf("alice", "deny"));
    expect(await refusal(denied)).toBe("not_approved");

    for (const draft of [pending, await approved()]) {
      await advance(draft.agent, draft.expiresInMs);
      expect(await refusal(draft)).toBe("expired");
    }
  });

  test("approve against deny ends in exactly one state", async () => {
    for (let round = 0; round < 20; round++) {
      const { id } = await opened();
      const { store } = subject();
      const results = await Promise.all(
        Array.from({ length: 6 }, (_, n) =>
          store.answer(id, answerOf(`p${n}`, n % 2 === round % 2 ? "approve" : "deny")),
        ),
      );
      const outcomes = results.map(({ outcome }) => outcome);
      expect(outcomes.filter((outcome) => outcome === "conflict")).toHaveLength(5);
      const [winner] = outcomes.filter((outcome) => outcome !== "conflict");
      const approval = await store.approval(id);
      expect(approval).toMatchObject({ status: winner });
      expect(approval?.answers).toHaveLength(1);
    }
  });

  test("a quorum counts distinct people", async () => {
    const { id } = await opened({ quorum: 2 });
    const { store } = subject();
    const first = answerOf("alice", "approve", "fine {by} me: \n\u202e☃");
    expect(await store.answer(id, first)).toMatchObject({
      outcome: "recorded",
      approval: { status: "pending", answers: [first] },
    });
    expect(await store.answer(id, answerOf("alice", "approve"))).toMatchObject({
      outcome: "conflict",
      approval: { answers: [first] },
    });
    expect(await store.answer(id, answerOf("alice", "deny"))).toMatchObject({
      outcome: "conflict",
      approval: { status: "pending" },
    });
    const second = answerOf("bob", "approve");
    expect(await store.answer(id, second)).toMatchObject({
      outcome: "approved",
      approval: { status: "approved", answers: [first, second] },
    });
    expect(await store.answer(id, answerOf("carol", "approve"))).toMatchObject({ outcome: "conflict" });
  });

  test("one denial ends it, whatever the quorum", async () => {
    const { id } = await opened({ quorum: 3 });
    const { store } = subject();
    expect(await store.answer(id, answerOf("alice", "approve"))).toMatchObject({ outcome: "recorded" });
    expect(await store.answer(id, answerOf("bob", "deny"))).toMatchObject({
      outcome: "denied",
      approval: { status: "denied" },
    });
    expect(await store.answer(id, answerOf("carol", "approve"))).toMatchObject({
      outcome: "conflict",
      approval: { status: "denied" },
    });
  });

  test("hostile approver names are distinct people", async () => {
    const people = ["__proto__", "constructor", "a", "a\n", "a:b", "{a}", "status", "1", "ä"];
    const { id } = await opened({ quorum: people.length });
    for (const [n, person] of people.entries()) {
      const wanted = n + 1 === people.length ? "approved" : "recorded";
      expect(await subject().store.answer(id, answerOf(person, "approve"))).toMatchObject({ outcome: wanted });
    }
    const approval = await subject().store.approval(id);
    expect(approval?.answers.map(({ approver }) => approver)).toEqual(people);
  });

  test("hostile ids and fingerprints are apart", async () => {
    const names = ["a", "{a}", "}", "a:b", "a%3Ab", "a\n", "__proto__", "ä"].map((name) => `${name}${unique("x")}`);
    const agent = unique("agent}{");
    for (const name of names) {
      const { approval } = await open(subject().store, draftOf(agent, { id: name, fingerprint: name }));
      expect(approval).toMatchObject({ fresh: true, id: name });
    }
    for (const name of names)
      expect(await subject().store.approval(name)).toMatchObject({ id: name, agent, fingerprint: name });
  });

  test("pending and approved expire, decided ones do not", async () => {
    const { store, advance } = subject();
    const pending = await opened();
    const passed = await approved();
    const denied = await opened();
    await store.answer(denied.id, answerOf("alice", "deny"));
    for (const draft of [pending, passed, denied]) await advance(draft.agent, draft.expiresInMs);
    expect(await store.approval(pending.id)).toMatchObject({ status: "expired" });
    expect(await store.approval(passed.id)).toMatchObject({ status: "expired" });
    expect(await store.approval(denied.id)).toMatchObject({ status: "denied" });
    expect(await store.answer(pending.id, answerOf("alice", "approve"))).toMatchObject({
      outcome: "expired",
      approval: { status: "expired", answers: [] },
    });
    expect(await store.answer(unique("apr"), answerOf("alice", "approve"))).toEqual({
      outcome: "not_found",
      approval: null,
    });
  });

  test("an approval is forgotten some time after it expired, and the list does without it", async () => {
    const { store, advance } = subject();
    const draft = await opened();
    await advance(draft.agent, draft.expiresInMs + approvalRetentionMs);
    expect(await store.approval(draft.id)).toBeNull();
    expect(await store.answer(draft.id, answerOf("alice", "approve"))).toMatchObject({ outcome: "not_found" });
    expect(await store.approvals({ agent: draft.agent, limit: 10 })).toEqual([]);
  });

  test("the list is newest first, filtered and limited", async () => {
    const { store } = subject();
    const agent = unique("agent");
    const drafts = Array.from({ length: 5 }, () => draftOf(agent));
    for (const draft of drafts) await open(store, draft);
    await opened();
    const ids = drafts.map(({ id }) => id);
    const [, second = "", third = ""] = ids;
    await store.answer(second, answerOf("alice", "approve"));
    await store.answer(third, answerOf("alice", "deny"));
    const listed = async (filter: Parameters<typeof store.approvals>[0]) =>
      (await store.approvals(filter)).map(({ id }) => id);
    expect(await listed({ agent, limit: 1000 })).toEqual(ids.toReversed());
    expect(await listed({ agent, limit: 2 })).toEqual([ids[4], ids[3]]);
    expect(await listed({ agent, status: "pending", limit: 1000 })).toEqual([ids[0], ids[3], ids[4]]);
    expect(await listed({ agent, status: "approved", limit: 1000 })).toEqual([second]);
    expect(await listed({ agent, status: "denied", limit: 1000 })).toEqual([third]);
    expect(await listed({ agent, status: "consumed", limit: 1000 })).toEqual([]);
    expect((await listed({ limit: 1000 })).length).toBeGreaterThanOrEqual(6);
    for (const limit of [0, -1, 1.5, 1001, Number.NaN])
      await expect(store.approvals({ limit })).rejects.toThrow(RangeError);
  });

  test("a long list is read to its end", async () => {
    const { store } = subject();
    const wanted = await opened();
    const noisy = unique("agent");
    await Promise.all(Array.from({ length: 450 }, () => open(store, draftOf(noisy))));
    expect(await store.approvals({ agent: wanted.agent, limit: 1 })).toHaveLength(1);
    expect(await store.approvals({ agent: noisy, limit: 1000 })).toHaveLength(450);
  });

  test("what was handed out or in can be changed without changing the store", async () => {
    const { store } = subject();
    const draft = draftOf(unique("agent"));
    await open(store, draft);
    const before = await store.approval(draft.id);
    draft.call = "changed";
    if (before) before.requestedBy.agent = "changed";
    expect(await store.approval(draft.id)).toMatchObject({
      requestedBy: { agent: draft.agent },
      call: { tool: "deploy-api" },
    });
  });
}
