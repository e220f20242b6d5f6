import { forgeryOf } from "../../src/approvals/genuine.js";
import { shownDigest, signAnswer } from "../../src/approvals/proof.js";
import { outcomeOf } from "../../src/notify/facts.js";
import { loadRegistry } from "../../src/registry/load.js";
import type { Approval, ApprovalAnswer } from "../../src/store/store.js";
import { person, type World, world } from "./fixture.js";

const bob = { kind: "person", person: person("bob") } as const;
const nobodyGave = "holds an answer that nobody gave";

/** A world in which somebody changes answers in the store, from `tampering` on. */
async function tampered(): Promise<{
  here: World;
  tamper: (change: (answers: ApprovalAnswer[]) => unknown[]) => void;
}> {
  let change = (answers: ApprovalAnswer[]): unknown[] => answers;
  const here = await world((one) => ({ ...one, answers: change([...one.answers]) as ApprovalAnswer[] }));
  const tamper = (next: typeof change) => {
    change = next;
  };
  return { here, tamper };
}

const forged = {
  approver: "carol@example.com",
  decision: "approve" as const,
  comment: "checked with the on-call, safe to run",
  at: "2026-03-01T14:22:05.000Z",
  proof: "nothing",
};

const changes: [string, (answers: ApprovalAnswer[]) => unknown[]][] = [
  ["an answer put in before", (answers) => [forged, ...answers]],
  ["an answer put in after", (answers) => [...answers, forged]],
  ["another comment", (answers) => answers.map((one) => ({ ...one, comment: "no objections, please all approve" }))],
  ["the comment taken out", (answers) => answers.map(({ comment: _, ...one }) => one)],
  ["an empty comment", (answers) => answers.map((one) => ({ ...one, comment: "" }))],
  ["another time", (answers) => answers.map((one) => ({ ...one, at: "2026-03-01T14:22:05.000Z" }))],
  ["another decision", (answers) => answers.map((one) => ({ ...one, decision: "deny" }))],
  ["somebody else's name", (answers) => answers.map((one) => ({ ...one, approver: "carol@example.com" }))],
  ["no proof", (answers) => answers.map((one) => ({ ...one, proof: "" }))],
  ["the same answer twice", (answers) => [...answers, ...answers]],
];

test.each(changes)("with %s it does not exist: not shown, listed, told or answered", async (_what, change) => {
  const { here, tamper } = await tampered();
  const id = await here.open({ quorum: 2 });
  await here.service.answer(id, person("bob"), { decision: "approve", comment: "only after the backup" });
  expect((await here.service.show(id, bob))?.decisions).toMatchObject([{ comment: "only after the backup" }]);

  tamper(change);
  expect(await here.service.show(id, bob)).toBeNull();
  expect(await here.service.notice(id, "deploy-manager")).toBeNull();
  expect(await here.service.list({ limit: 10 })).toEqual([]);
  const answer = here.service.answer(id, person("carol@example.com"), { decision: "approve" });
  await expect(answer).rejects.toMatchObject({ code: "not_found" });
  expect(here.service.proven((await here.store.approval(id)) as Approval)).toBe(false);
  expect(here.troubles).toEqual(Array(5).fill(`approval ${id} ${nobodyGave}`));
  expect(here.records.outcomes()).toEqual(["bob@example.com approve recorded"]);
});

test("an answer of another approval is none of this one", async () => {
  const here = await world();
  const [one, other] = [await here.open({ quorum: 2 }), await here.open({ quorum: 2 })];
  for (const id of [one, other]) await here.service.answer(id, person("bob"), { decision: "approve" });
  const approval = await here.stored(one);
  expect(forgeryOf(here.key, approval)).toBeNull();
  expect(forgeryOf(here.key, { ...approval, answers: (await here.stored(other)).answers })).toBe(nobodyGave);
});

test("one person counts once, even with two answers that we signed", async () => {
  const here = await world();
  const id = await here.open({ quorum: 2 });
  await here.service.answer(id, person("bob"), { decision: "approve" });
  const approval = await here.stored(id);
  const { fingerprint, expiresAtMs } = approval;
  const said = { approver: "bob@example.com", decision: "approve" as const, at: "2026-03-01T14:22:01.000Z" };
  const statement = { ...said, approvalId: id, fingerprint, shown: shownDigest(approval), expiresAtMs };
  const again = { ...said, proof: signAnswer(here.key, statement) };
  expect(forgeryOf(here.key, { ...approval, answers: [again] })).toBeNull();
  expect(forgeryOf(here.key, { ...approval, answers: [...approval.answers, again] })).toBe(nobodyGave);
});

test("a revocation is an answer like others, beside the approval by the same person", async () => {
  const { here, tamper } = await tampered();
  const id = await here.open();
  await here.service.answer(id, person("bob"), { decision: "approve", comment: "go" });
  await here.service.answer(id, person("bob"), { decision: "revoke", comment: "stop" });
  const view = await here.service.show(id, bob);
  expect(view).toMatchObject({ status: "denied", decisions: [{ decision: "approve" }, { decision: "revoke" }] });
  expect(view && outcomeOf(view)).toContain('revoked by bob@example.com: "stop"');
  tamper((answers) => answers.map((one) => (one.decision === "revoke" ? { ...one, comment: "an accident" } : one)));
  expect(await here.service.show(id, bob)).toBeNull();
});

test("what people said before they left is still shown, and counts no longer", async () => {
  const here = await world();
  const id = await here.open();
  await here.service.answer(id, person("bob"), { decision: "approve", comment: "go" });
  here.registry = loadRegistry({});
  expect(await here.service.show(id, bob)).toMatchObject({
    decisions: [{ approver: "bob@example.com", comment: "go" }],
  });
  expect(here.service.proven(await here.stored(id))).toBe(false);
  expect(here.troubles).toEqual([]);
});

test("nothing but what is signed of an answer is shown", async () => {
  const { here, tamper } = await tampered();
  const id = await here.open();
  await here.service.answer(id, person("bob"), { decision: "approve" });
  tamper((answers) => answers.map((one) => ({ ...one, note: "also checked by carol" })));
  expect((await here.service.show(id, bob))?.decisions).toEqual([
    { approver: "bob@example.com", decision: "approve", at: "2026-03-01T14:22:00.000Z" },
  ]);
});
