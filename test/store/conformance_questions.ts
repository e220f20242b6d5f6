import { answerOf, draftOf, open, type Subject, unique } from "./subject.js";

/** Which calls ask people the same question, and which another one. */
export function questionsConformance(subject: () => Subject): void {
  const opened = async (more: Parameters<typeof draftOf>[1]) => {
    const draft = draftOf(unique("agent"), more);
    await open(subject().store, draft);
    return draft;
  };

  test("the same call while pending is the same approval, also for 50 at once", async () => {
    const agent = unique("agent");
    const fingerprint = unique("fp");
    const results = await Promise.all(
      Array.from({ length: 50 }, () => open(subject().store, draftOf(agent, { fingerprint }))),
    );
    const outcomes = results.map(({ approval }) => (approval.outcome === "opened" ? approval : null));
    expect(new Set(outcomes.map((approval) => approval?.id)).size).toBe(1);
    expect(outcomes.filter((approval) => approval?.fresh)).toHaveLength(1);
    expect(await subject().store.approvals({ agent, limit: 1000 })).toHaveLength(1);
    const other = await open(subject().store, draftOf(unique("agent"), { fingerprint }));
    expect(other.approval).toMatchObject({ outcome: "opened", fresh: true });
  });

  test("the same call under other terms is another approval, and an answer to one is none to the other", async () => {
    const { store } = subject();
    const first = await opened({ expiresInMs: 600_000 });
    const { agent, fingerprint } = first;
    const others = [
      { quorum: 2 },
      { approvers: [] },
      { approvers: [["sre", "leads", "käse ☃"]] },
      { expiresInMs: 600_001 },
    ];
    const drafts = others.map((terms) => draftOf(agent, { fingerprint, expiresInMs: 600_000, ...terms }));
    for (const draft of drafts)
      expect((await open(store, draft)).approval).toMatchObject({ fresh: true, id: draft.id });
    expect(await store.answer(first.id, answerOf("alice", "deny"))).toMatchObject({ outcome: "denied" });
    for (const draft of drafts) {
      expect(await store.approval(draft.id)).toMatchObject({ status: "pending" });
      const joined = await open(store, { ...draft, id: unique("apr") });
      expect(joined.approval).toMatchObject({ fresh: false, id: draft.id });
    }
    expect((await open(store, { ...first, id: unique("apr") })).approval).toMatchObject({ fresh: true });
  });

  test("the same call for other reasons is another approval, and the hour is no other reason", async () => {
    const { store } = subject();
    const windows = { rule: "windows", limit: "UTC", actual: { day: 6, minute: 719 }, message: "it is Saturday 11:59" };
    const first = await opened({ violations: [windows] });
    const { agent, fingerprint } = first;
    const opens = (violations: typeof first.violations) => open(store, draftOf(agent, { fingerprint, violations }));
    const later = { ...windows, actual: { day: 6, minute: 720 }, message: "it is Saturday 12:00" };
    expect((await opens([later])).approval).toMatchObject({ fresh: false, id: first.id });
    const card = { rule: "dlp", limit: "payment_card", actual: [{ in: "headers", name: "x-note" }], message: "a card" };
    const both = (await opens([later, card])).approval;
    expect(both).toMatchObject({ fresh: true });
    expect((await opens([card, later])).approval).toMatchObject({ ...both, fresh: false });
    expect(await store.answer(first.id, answerOf("alice", "approve"))).toMatchObject({ outcome: "approved" });
    expect((await opens([card, windows])).approval).toMatchObject({ ...both, fresh: false });
    expect((await opens([windows])).approval).toMatchObject({ fresh: true });
  });
}
