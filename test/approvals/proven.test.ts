import { clockToleranceMs, signOpening } from "../../src/approvals/opening.js";
import { type AnswerStatement, answerType, shownDigest, signAnswer, verifyAnswer } from "../../src/approvals/proof.js";
import { type Expected, isProven } from "../../src/approvals/proven.js";
import type { Viewer } from "../../src/approvals/view.js";
import { generateKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import type { Registry } from "../../src/registry/registry.js";
import type { Approval, ApprovalAnswer } from "../../src/store/store.js";
import { hash, person, registry, session, type World, world } from "./fixture.js";

const requester: Viewer = { kind: "agent", agent: "deploy-manager", session: session.id };

async function approved(more: Parameters<World["open"]>[0] = {}): Promise<{ here: World; approval: Approval }> {
  const here = await world();
  const id = await here.open(more);
  await here.service.answer(id, person("bob"), { decision: "approve" });
  return { here, approval: await here.stored(id) };
}

const proven = ({ key, nowMs, registry }: World, approval: Approval, expected?: Expected) =>
  isProven(approval, { key, registry, now: nowMs }, expected);

/** What is asked for when the same call comes under the same terms. */
const same = (approval: Approval): Expected => ({ ...approval, expiresInMs: 900_000 });

/** As if we ourselves had opened what somebody made of an approval: only the answers can tell. */
function reopened({ key }: World, approval: Approval): Approval {
  const expiresInMs = approval.expiresAtMs - approval.createdAtMs;
  const { openedAt, opening } = signOpening(key, { ...approval, expiresInMs }, approval.createdAtMs);
  return { ...approval, openedAt, opening };
}

/** The registry after somebody moved to other groups. */
function moved(id: string, groups: string[]): Registry {
  return { ...registry, person: (name) => (name === id ? { ...person(id), groups } : registry.person(name)) };
}

function only(approval: Approval): ApprovalAnswer {
  const [answer] = approval.answers;
  if (!answer) throw new Error("no answer");
  return answer;
}

test("signed answers of enough people prove an approval until it expires", async () => {
  const { here, approval } = await approved();
  expect(proven(here, approval)).toBe(true);
  expect(proven(here, approval, same(approval))).toBe(true);
  expect(proven(here, reopened(here, approval))).toBe(true);
  here.nowMs = approval.expiresAtMs - 1;
  expect(proven(here, approval)).toBe(true);
  here.nowMs += 1;
  expect(proven(here, approval)).toBe(false);
});

/** What somebody who can write to the store might try with the answers. */
const answers: [string, (approval: Approval) => Approval][] = [
  ["no answer at all", (a) => ({ ...a, answers: [] })],
  ["an empty proof", (a) => ({ ...a, answers: [{ ...only(a), proof: "" }] })],
  ["a proof of nothing", (a) => ({ ...a, answers: [{ ...only(a), proof: "a.b.c" }] })],
  ["the opening for a proof", (a) => ({ ...a, answers: [{ ...only(a), proof: a.opening }] })],
  ["the proof under another name", (a) => ({ ...a, answers: [{ ...only(a), approver: "carol@example.com" }] })],
  ["the proof under an alias", (a) => ({ ...a, answers: [{ ...only(a), approver: "bob" }] })],
  ["another time", (a) => ({ ...a, answers: [{ ...only(a), at: "2026-03-01T14:22:00.001Z" }] })],
  ["a life moved on", (a) => ({ ...a, createdAtMs: a.createdAtMs + 1, expiresAtMs: a.expiresAtMs + 1 })],
  ["a denial beside the approval", (a) => ({ ...a, answers: [only(a), { ...only(a), decision: "deny" }] })],
];

/** And with the request itself. */
const requests: [string, (approval: Approval) => Approval][] = [
  ["another id", (a) => ({ ...a, id: "apr_other" })],
  ["another fingerprint", (a) => ({ ...a, fingerprint: hash("evil") })],
  ["another agent", (a) => ({ ...a, agent: "other-agent" })],
  ["another session", (a) => ({ ...a, session: "other" })],
  ["another call than was shown", (a) => ({ ...a, call: { tool: "deploy-api", action: "delete" } })],
  ["a higher quorum than answers", (a) => ({ ...a, quorum: 2 })],
  ["the same answer twice for a quorum of two", (a) => ({ ...a, quorum: 2, answers: [only(a), only(a)] })],
  ["the initiator made somebody else", (a) => ({ ...a, requestedBy: { agent: a.agent, initiated_by: "carol" } })],
  ["the initiator made the approver", (a) => ({ ...a, requestedBy: { agent: a.agent, initiated_by: "bob" } })],
  ["a later expiry", (a) => ({ ...a, expiresAtMs: a.expiresAtMs + 1 })],
];

/** What no answer binds; only the opening can tell. */
const openings: [string, (approval: Approval) => Approval][] = [
  ["a lower quorum", (a) => ({ ...a, quorum: 0 })],
  ["no groups", (a) => ({ ...a, approvers: [] })],
  [
    "a group more in a list",
    (a) => ({
      ...a,
      approvers: [
        ["sre", "security"],
        ["leads", "sre"],
      ],
    }),
  ],
  ["a list of groups less", (a) => ({ ...a, approvers: [["sre"]] })],
  ["the lists put together", (a) => ({ ...a, approvers: [["sre", "leads", "sre"]] })],
  ["another reason", (a) => ({ ...a, reason: "max_replicas" })],
  ["other violations", (a) => ({ ...a, violations: [] })],
  ["another policy version", (a) => ({ ...a, policyVersion: "sha256:00" })],
  ["another decision", (a) => ({ ...a, decisionId: "01KJMK0000000000000000DEC2" })],
  ["another deployment", (a) => ({ ...a, deploymentId: "dep-2" })],
  ["a call without a canonical form", (a) => ({ ...a, call: "\ud800" })],
  ["no opening", (a) => ({ ...a, opening: "" })],
  ["an answer for an opening", (a) => ({ ...a, opening: only(a).proof })],
  ["another day of opening", (a) => ({ ...a, openedAt: "2026-03-01T14:22:00.001Z" })],
  ["no day of opening", (a) => ({ ...a, openedAt: "soon" })],
  ["a time beyond all calendars", (a) => ({ ...a, createdAtMs: 9e15, expiresAtMs: 9e15 + 900_000 })],
];

test.each([...answers, ...requests])("with %s the answers do not prove it", async (_name, tamper) => {
  const { here, approval } = await approved();
  expect(proven(here, reopened(here, tamper(approval)))).toBe(false);
  expect(proven(here, tamper(approval))).toBe(false);
});

test.each([...requests, ...openings])(
  "with %s it is nobody's: not shown, listed or answered",
  async (_name, tamper) => {
    let tampering = (approval: Approval) => approval;
    const here = await world((approval) => tampering(approval));
    const id = await here.open({ approvers: [["sre"], ["leads", "sre"]] });
    await here.service.answer(id, person("bob"), { decision: "approve" });
    const approval = await here.stored(id);
    expect(await here.service.list({ limit: 10 })).toHaveLength(1);

    const tampered = tamper(approval);
    tampering = () => tampered;
    expect(proven(here, tampered)).toBe(false);
    expect(await here.service.show(id, requester)).toBeNull();
    expect(await here.service.show(id, { kind: "person", person: person("bob") })).toBeNull();
    expect(await here.service.list({ limit: 10 })).toEqual([]);
    const answer = here.service.answer(id, person("carol@example.com"), { decision: "approve" });
    await expect(answer).rejects.toMatchObject({ code: "not_found" });
    expect(here.service.proven(tampered)).toBe(false);
    expect(here.troubles).toEqual(Array(5).fill(`approval ${tampered.id} is not the one that was opened`));
    expect(here.records.outcomes()).toEqual(["bob@example.com approve approved"]);
  },
);

test("what an answer leads to is not shown when it was changed in that moment", async () => {
  const here = await world();
  const id = await here.open();
  const { answer } = here.store;
  here.store.answer = async (...given) => {
    const result = await answer(...given);
    return { ...result, approval: result.approval && { ...result.approval, call: "evil" } };
  };
  await expect(here.service.answer(id, person("bob"), { decision: "approve" })).rejects.toMatchObject({
    code: "not_found",
  });
});

test("a raised expiry revives no approval, whenever it was raised", async () => {
  let later = 0;
  const here = await world((approval) => ({ ...approval, expiresAtMs: approval.expiresAtMs + later }));
  const [before, after] = [await here.open(), await here.open()];
  later = 86_400_000;
  const early = here.service.answer(before, person("bob"), { decision: "approve" });
  await expect(early).rejects.toMatchObject({ code: "not_found" });
  later = 0;
  await here.service.answer(after, person("bob"), { decision: "approve" });
  const raised = { ...(await here.stored(after)), expiresAtMs: here.nowMs + 86_400_000 };
  here.nowMs += 900_000;
  expect(here.service.proven(raised)).toBe(false);
  expect(proven(here, reopened(here, raised))).toBe(false);
});

test.each([-clockToleranceMs - 1, -clockToleranceMs, 0, clockToleranceMs, clockToleranceMs + 1])(
  "the store's clock may be 5 minutes off: %d ms",
  async (offMs) => {
    const shifted = (a: Approval) => ({
      ...a,
      createdAtMs: a.createdAtMs + offMs,
      expiresAtMs: a.expiresAtMs + offMs,
    });
    const here = await world(shifted);
    const view = await here.service.show(await here.open(), requester);
    expect(view !== null).toBe(Math.abs(offMs) <= clockToleranceMs);
  },
);

test("a denial signed by us is no approval when the store calls it one", async () => {
  const here = await world();
  const id = await here.open();
  await here.service.answer(id, person("bob"), { decision: "deny" });
  const denied = await here.stored(id);
  const turned: Approval = { ...denied, status: "approved", answers: [{ ...only(denied), decision: "approve" }] };
  expect(proven(here, turned)).toBe(false);
  expect(proven(here, { ...denied, status: "approved" })).toBe(false);
});

test("an approval that is only written into the store is none", async () => {
  const forged = (approval: Approval): Approval => ({
    ...approval,
    status: "approved",
    answers: [{ approver: "bob@example.com", decision: "approve", at: "2026-03-01T14:22:00.000Z", proof: "x.y.z" }],
  });
  const here = await world(forged);
  const id = await here.open();
  expect(await here.service.show(id, requester)).toBeNull();
  expect(here.troubles).toEqual([`approval ${id} holds an answer that nobody gave`]);
});

describe("at redemption the call at hand is compared", () => {
  test.each<[string, Partial<Expected>]>([
    ["call", { call: { tool: "deploy-api", action: "delete" } }],
    ["fingerprint", { fingerprint: hash("other") }],
    ["session", { session: "other" }],
    ["initiator", { requestedBy: { agent: "deploy-manager" } }],
  ])("and another %s is not proven", async (_name, other) => {
    const { here, approval } = await approved();
    expect(proven(here, approval, { ...same(approval), ...other })).toBe(false);
  });

  test("so a harmless call shown in place of the real one does not help, even if we had signed its opening", async () => {
    let resign = (approval: Approval) => approval;
    const here = await world((approval) => resign({ ...approval, call: { tool: "deploy-api", action: "status" } }));
    resign = (approval) => reopened(here, approval);
    const id = await here.open();
    // The answer is in the store, and there it is one to another call.
    await expect(here.service.answer(id, person("bob"), { decision: "approve" })).rejects.toThrow("no such approval");
    const real = await here.stored(id);
    const asShown = await here.store.approval(id);
    expect(asShown && proven(here, asShown)).toBe(true);
    expect(asShown && proven(here, asShown, same(real))).toBe(false);
    expect(proven(here, real, same(real))).toBe(false);
  });

  test("an initiator taken out of the store cannot have approved, even if we had signed that", async () => {
    let resign = (approval: Approval) => approval;
    const here = await world((approval) => resign({ ...approval, requestedBy: { agent: approval.agent } }));
    resign = (approval) => reopened(here, approval);
    const id = await here.open({ initiatedBy: "bob" });
    await expect(here.service.answer(id, person("bob"), { decision: "approve" })).rejects.toThrow("no such approval");
    const stored = await here.store.approval(id);
    expect(stored && proven(here, stored)).toBe(true);
    expect(stored && proven(here, stored, same(await here.stored(id)))).toBe(false);
  });
});

describe("the terms that hold when the call comes", () => {
  test.each<[string, Partial<Expected>, boolean]>([
    ["the same", {}, true],
    ["any approver", { approvers: [] }, true],
    ["another group of the same person", { approvers: [["sre"]] }, true],
    ["one of several groups", { approvers: [["security", "sre"], ["sre"]] }, true],
    ["a longer life", { expiresInMs: 1_800_000 }, true],
    ["a higher quorum", { quorum: 2 }, false],
    ["a group of somebody else", { approvers: [["security"]] }, false],
    ["a further list of groups", { approvers: [["sre"], ["leads"]] }, false],
    ["a list that nobody can meet", { approvers: [[]] }, false],
    ["a group in another spelling", { approvers: [["SRE"]] }, false],
    ["a shorter life, which is over", { expiresInMs: 60_000 }, false],
    ["a shorter life, which is not", { expiresInMs: 60_001 }, true],
  ])("%s", async (_name, now, wanted) => {
    const { here, approval } = await approved();
    here.nowMs += 60_000;
    expect(proven(here, approval, { ...same(approval), ...now })).toBe(wanted);
  });

  test("are added to those under which it was asked for, not put in their place", async () => {
    const { here, approval } = await approved({ approvers: [["sre"]], quorum: 1 });
    expect(proven(here, approval, { ...same(approval), approvers: [] })).toBe(true);
    here.registry = moved("bob@example.com", ["security"]);
    expect(proven(here, approval, { ...same(approval), approvers: [] })).toBe(false);
    expect(proven(here, approval, { ...same(approval), approvers: [["security"]] })).toBe(false);
    here.registry = moved("bob@example.com", ["security", "sre"]);
    expect(proven(here, approval, { ...same(approval), approvers: [["security"]] })).toBe(true);
  });

  test("count people, each of them in every list", async () => {
    const here = await world();
    const id = await here.open({ quorum: 2, approvers: [["sre"]] });
    for (const name of ["bob", "carol@example.com"]) {
      await here.service.answer(id, person(name), { decision: "approve" });
    }
    const approval = await here.stored(id);
    expect(proven(here, approval, same(approval))).toBe(true);
    expect(proven(here, approval, { ...same(approval), approvers: [["leads"]], quorum: 1 })).toBe(false);
    here.registry = moved("carol@example.com", ["leads"]);
    expect(proven(here, approval)).toBe(false);
  });
});

test("who is not in the groups does not count, even if we had signed the opening and the answer", async () => {
  const here = await world();
  const id = await here.open();
  await here.service.answer(id, person("dan@example.com"), { decision: "approve" });
  const forged = { ...(await here.stored(id)), approvers: [["sre"]] };
  expect(proven(here, reopened(here, forged))).toBe(false);
  expect(proven(here, reopened(here, { ...forged, approvers: [["security"]] }))).toBe(true);
});

test.each(["OKP", "EC", "oct"] as const)("proofs hold under a key of type %s and no other", async (kind) => {
  const key = await signingKeyOf(generateKey(kind, "approvals"));
  const other = await signingKeyOf(generateKey(kind, "approvals"));
  const statement: AnswerStatement = {
    approvalId: "apr_1",
    fingerprint: "f",
    approver: "bob",
    decision: "approve",
    at: "2026-03-01T14:22:00.000Z",
    shown: shownDigest({ agent: "a", session: "s", fingerprint: "f", call: {}, requestedBy: { agent: "a" } }),
    expiresAtMs: Date.parse("2026-03-01T14:37:00Z"),
  };
  const proof = signAnswer(key, statement);
  expect(JSON.parse(Buffer.from(proof.split(".")[0] ?? "", "base64url").toString())).toEqual({
    alg: key.alg,
    kid: key.kid,
    typ: answerType,
  });
  expect(verifyAnswer(key, proof, statement)).toBe(true);
  expect(verifyAnswer(other, proof, statement)).toBe(false);
  expect(verifyAnswer(key, proof, { ...statement, decision: "deny" })).toBe(false);
  expect(verifyAnswer(key, proof, { ...statement, expiresAtMs: statement.expiresAtMs + 1 })).toBe(false);
  expect(verifyAnswer(key, `${proof}A`, statement)).toBe(false);
  expect(verifyAnswer(key, `${proof}=`, statement)).toBe(false);
  expect(verifyAnswer(key, proof.slice(0, proof.lastIndexOf(".") + 1), statement)).toBe(false);
});
