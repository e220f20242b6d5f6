import { isProven } from "../../src/approvals/proven.js";
import { call, person, registry, session, type World, world } from "./fixture.js";

const escalation = { afterMs: 300_000, to: ["security"], approvers: [["sre", "security"]] };
const requester = { kind: "agent", agent: "deploy-manager", session: session.id } as const;
const approve = { decision: "approve" } as const;
const revoke = { decision: "revoke", comment: "wrong branch" } as const;

/** Bob is in `sre`; Dan is in `security`, and may answer once five minutes are over. */
async function escalating(): Promise<{ here: World; id: string }> {
  const here = await world();
  return { here, id: await here.open({ approvers: [["sre"]], escalation }) };
}

describe("escalation", () => {
  test("the further group answers once its time has come, not before", async () => {
    const { here, id } = await escalating();
    here.nowMs += escalation.afterMs - 1;
    await expect(here.service.answer(id, person("dan@example.com"), approve)).rejects.toMatchObject({
      code: "not_in_group",
    });
    here.nowMs += 1;
    expect(await here.service.answer(id, person("dan@example.com"), approve)).toMatchObject({ status: "approved" });
    expect(await here.service.show(id, requester)).toHaveProperty("override_token");
  });

  test("the first group may answer all the time, and others never", async () => {
    const { here, id } = await escalating();
    here.nowMs += escalation.afterMs;
    await expect(here.service.answer(id, person("alice"), approve)).rejects.toMatchObject({ code: "self_approval" });
    expect(await here.service.answer(id, person("bob"), approve)).toMatchObject({ status: "approved" });
  });

  test("people see when it escalates and to whom", async () => {
    const { here, id } = await escalating();
    expect(await here.service.show(id, requester)).toMatchObject({
      approvers: [["sre"]],
      escalation: { at: "2026-03-01T14:27:00.000Z", to: ["security"], approvers: [["sre", "security"]] },
    });
  });

  test("an answer counts by when it was given, whatever the store says of that", async () => {
    const { here, id } = await escalating();
    here.nowMs += escalation.afterMs;
    await here.service.answer(id, person("dan@example.com"), approve);
    const approval = await here.stored(id);
    const context = { key: here.key, registry, now: here.nowMs };
    expect(isProven(approval, context)).toBe(true);
    // Who can write to the store cannot make it escalate earlier, to others, or an answer later than it was.
    const sooner = { ...escalation, afterMs: 1 };
    expect(isProven({ ...approval, escalation: sooner }, context)).toBe(false);
    const [answer] = approval.answers;
    if (!answer) throw new Error("nobody has answered");
    const early = { ...answer, at: new Date(here.nowMs - 1).toISOString() };
    expect(isProven({ ...approval, answers: [early] }, context)).toBe(false);
  });

  test("the terms that hold when the call comes have to be met too, their escalation included", async () => {
    const { here, id } = await escalating();
    here.nowMs += escalation.afterMs;
    await here.service.answer(id, person("dan@example.com"), approve);
    const approval = await here.stored(id);
    const context = { key: here.key, registry, now: here.nowMs };
    const asked = { ...approval, expiresInMs: 900_000 };
    expect(isProven(approval, context, asked)).toBe(true);
    const { escalation: _, ...never } = asked;
    expect(isProven(approval, context, never)).toBe(false);
    expect(isProven(approval, context, { ...asked, escalation: { ...escalation, afterMs: 300_001 } })).toBe(false);
    // A call that has become dearer is not the one that people were shown.
    expect(isProven(approval, context, { ...asked, costMicro: approval.costMicro + 1 })).toBe(false);
    expect(approval.call).toMatchObject({ tool: call.tool });
  });
});

describe("revoking", () => {
  const outcomes = (here: World): string[] => here.records.outcomes();

  test("an approval that is not used yet ends as denied, with a record, and its token lets nothing through", async () => {
    const here = await world();
    const id = await here.open();
    await here.service.answer(id, person("bob"), approve);
    const approval = await here.stored(id);
    here.nowMs += 1000;
    const revoked = await here.service.answer(id, person("carol@example.com"), revoke);
    expect(revoked).toMatchObject({
      status: "denied",
      decisions: [
        { approver: "bob@example.com", decision: "approve" },
        { approver: "carol@example.com", decision: "revoke", comment: "wrong branch", at: "2026-03-01T14:22:01.000Z" },
      ],
    });
    expect(outcomes(here)).toEqual(["bob@example.com approve approved", "carol@example.com revoke revoked"]);
    expect(await here.service.show(id, requester)).not.toHaveProperty("override_token");
    const { agent, fingerprint } = approval;
    const redeem = { kind: "redeem" as const, id, fingerprint };
    expect(await here.store.settle({ agent, key: "again", enforced: {}, approval: redeem })).toMatchObject({
      approval: { outcome: "refused", why: "not_approved" },
    });
    // Set back to approved in the store, the revocation still stands among the signed answers.
    expect(here.service.proven({ ...(await here.stored(id)), status: "approved" })).toBe(false);
  });

  test("who approved may take it back, also while others are waited for", async () => {
    const here = await world();
    const id = await here.open({ quorum: 2 });
    await here.service.answer(id, person("bob"), approve);
    expect(await here.service.answer(id, person("bob"), revoke)).toMatchObject({ status: "denied" });
    await expect(here.service.answer(id, person("carol@example.com"), approve)).rejects.toMatchObject({
      code: "decided",
    });
  });

  test.each<[string, string, string]>([
    ["who started the session", "alice", "self_approval"],
    ["an auditor", "audit@example.com", "not_approver"],
    ["somebody of another group", "dan@example.com", "not_in_group"],
  ])("%s cannot", async (_, who, code) => {
    const here = await world();
    const id = await here.open({ approvers: [["sre"]] });
    await here.service.answer(id, person("bob"), approve);
    await expect(here.service.answer(id, person(who), revoke)).rejects.toMatchObject({ code });
    expect(await here.stored(id)).toMatchObject({ status: "approved" });
  });

  test("what was used, denied or has expired cannot be revoked", async () => {
    const here = await world();
    const [used, denied, late] = [await here.open(), await here.open(), await here.open()];
    await here.service.answer(used, person("bob"), approve);
    const { agent, fingerprint } = await here.stored(used);
    const redeem = { kind: "redeem" as const, id: used, fingerprint };
    await here.store.settle({ agent, key: "use", enforced: {}, approval: redeem });
    await here.service.answer(denied, person("bob"), { decision: "deny" });
    await here.service.answer(late, person("bob"), approve);
    const code = (id: string) => here.service.answer(id, person("carol@example.com"), revoke).catch((e) => e.code);
    expect(await code(used)).toBe("used");
    expect(await code(denied)).toBe("decided");
    here.nowMs += 900_000;
    expect(await code(late)).toBe("expired");
  });

  test("100 uses against 20 revocations end in exactly one of both", async () => {
    const here = await world();
    for (let round = 0; round < 20; round++) {
      const id = await here.open();
      await here.service.answer(id, person("bob"), approve);
      const { agent, fingerprint } = await here.stored(id);
      const redeem = { kind: "redeem" as const, id, fingerprint };
      const results = await Promise.allSettled([
        ...Array.from({ length: 5 }, (_, n) =>
          here.store.settle({ agent, key: `use-${round}-${n}`, enforced: {}, approval: redeem }),
        ),
        here.service.answer(id, person("carol@example.com"), revoke),
      ]);
      const uses = results.filter(
        (one) => one.status === "fulfilled" && "approval" in one.value && one.value.approval.outcome === "redeemed",
      ).length;
      const revoked = results.at(-1)?.status === "fulfilled";
      expect(uses + (revoked ? 1 : 0)).toBe(1);
      expect((await here.stored(id)).status).toBe(revoked ? "denied" : "consumed");
      here.nowMs += 60_000;
    }
  });
});
