import type { ApprovalFilter } from "../../src/store/store.js";
import { answerOf, draftOf, open, redeem, type Subject, unique } from "./subject.js";

export function pendingConformance(subject: () => Subject): void {
  const opened = async (agent: string, more: Parameters<typeof draftOf>[1] = {}) => {
    const draft = draftOf(agent, more);
    await open(subject().store, draft);
    return draft;
  };
  const pending = async (filter: Omit<ApprovalFilter, "status">) =>
    (await subject().store.approvals({ status: "pending", ...filter })).map(({ id }) => id);

  test("those that expire first come first, of one agent and of all", async () => {
    const agent = unique("agent");
    const [late, soon, middle] = [
      await opened(agent, { expiresInMs: 900_000 }),
      await opened(agent, { expiresInMs: 300_000 }),
      await opened(agent, { expiresInMs: 600_000 }),
    ];
    const wanted = [soon, middle, late].map(({ id }) => id);
    expect(await pending({ agent, limit: 1000 })).toEqual(wanted);
    expect(await pending({ agent, limit: 2 })).toEqual(wanted.slice(0, 2));
    const all = await subject().store.approvals({ status: "pending", limit: 1000 });
    expect(all.map(({ id }) => id).filter((id) => wanted.includes(id))).toEqual(wanted);
    expect(all.map(({ expiresAtMs }) => expiresAtMs)).toEqual(all.map((one) => one.expiresAtMs).sort((a, b) => a - b));
  });

  test("one agent with many does not hide those of others", async () => {
    const [loud, quiet] = [unique("agent"), unique("agent")];
    const wanted = await opened(quiet, { expiresInMs: 86_400_000 });
    const later = await opened(quiet, { expiresInMs: 86_400_001 });
    const drafts = Array.from({ length: 300 }, (_, n) => draftOf(loud, { expiresInMs: 60_000 + n * 1000 }));
    for (const draft of drafts) await open(subject().store, draft);
    const listed = await pending({ limit: 250 });
    expect(listed).toHaveLength(250);
    expect(listed).toEqual(expect.arrayContaining([wanted.id, later.id]));
    const ofLoud = drafts.map(({ id }) => id);
    const shown = listed.filter((id) => ofLoud.includes(id));
    expect(shown).toEqual(ofLoud.slice(0, shown.length));
    expect(shown.length).toBeLessThan(250);
  });

  test("what is no longer pending is not among them", async () => {
    const { store, advance } = subject();
    const agent = unique("agent");
    const [approved, denied, revoked, used, half, waiting] = [
      await opened(agent),
      await opened(agent),
      await opened(agent),
      await opened(agent),
      await opened(agent, { quorum: 2 }),
      await opened(agent),
    ];
    for (const { id } of [approved, used, half]) await store.answer(id, answerOf("alice", "approve"));
    await store.answer(denied.id, answerOf("alice", "deny"));
    await store.answer(revoked.id, { ...answerOf("alice", "deny"), decision: "revoke" });
    await redeem(store, used);
    const listed = await pending({ limit: 1000 });
    const mine = [approved, denied, revoked, used, half, waiting].map(({ id }) => id);
    expect(listed.filter((id) => mine.includes(id))).toEqual([half.id, waiting.id]);
    expect(await pending({ agent, limit: 1000 })).toEqual([half.id, waiting.id]);
    await advance(agent, waiting.expiresInMs);
    expect(await pending({ agent, limit: 1000 })).toEqual([]);
    expect((await pending({ limit: 1000 })).filter((id) => mine.includes(id))).toEqual([]);
  });
}
