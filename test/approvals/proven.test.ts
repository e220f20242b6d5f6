import { answerType, shownDigest, signAnswer, verifyAnswer } from "../../src/approvals/proof.js";
import { isProven } from "../../src/approvals/proven.js";
import type { Viewer } from "../../src/approvals/view.js";
import { generateKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import type { Approval, ApprovalAnswer } from "../../src/store/store.js";
import { hash, person, registry, session, type World, world } from "./fixture.js";

const requester: Viewer = { kind: "agent", agent: "deploy-manager", session: session.id };

async function approved(more: Parameters<World["open"]>[0] = {}): Promise<{ here: World; approval: Approval }> {
  const here = await world();
  const id = await here.open(more);
  await here.service.answer(id, person("bob"), { decision: "approve" });
  return { here, approval: await here.stored(id) };
}

function only(approval: Approval): ApprovalAnswer {
  const [answer] = approval.answers;
  if (!answer) throw new Error("no answer");
  return answer;
}

test("signed answers of enough people prove an approval", async () => {
  const { here, approval } = await approved();
  expect(isProven(approval, here.key, registry)).toBe(true);
  expect(isProven(approval, here.key, registry, approval)).toBe(true);
});

/** What somebody who can write to the store might try. */
const tampered: [string, (approval: Approval) => Approval][] = [
  ["no answer at all", (a) => ({ ...a, answers: [] })],
  ["an empty proof", (a) => ({ ...a, answers: [{ ...only(a), proof: "" }] })],
  ["a proof of nothing", (a) => ({ ...a, answers: [{ ...only(a), proof: "a.b.c" }] })],
  ["the proof under another name", (a) => ({ ...a, answers: [{ ...only(a), approver: "carol@example.com" }] })],
  ["the proof under an alias", (a) => ({ ...a, answers: [{ ...only(a), approver: "bob" }] })],
  ["another time", (a) => ({ ...a, answers: [{ ...only(a), at: "2026-03-01T14:22:00.001Z" }] })],
  ["another id", (a) => ({ ...a, id: "apr_other" })],
  ["another fingerprint", (a) => ({ ...a, fingerprint: hash("evil") })],
  ["another agent", (a) => ({ ...a, agent: "other-agent" })],
  ["another session", (a) => ({ ...a, session: "other" })],
  ["another call than was shown", (a) => ({ ...a, call: { tool: "deploy-api", action: "delete" } })],
  ["a higher quorum than answers", (a) => ({ ...a, quorum: 2 })],
  ["the same answer twice for a quorum of two", (a) => ({ ...a, quorum: 2, answers: [only(a), only(a)] })],
  ["the initiator made somebody else", (a) => ({ ...a, requestedBy: { agent: a.agent, initiated_by: "carol" } })],
  ["the initiator made the approver", (a) => ({ ...a, requestedBy: { agent: a.agent, initiated_by: "bob" } })],
  ["a denial beside the approval", (a) => ({ ...a, answers: [only(a), { ...only(a), decision: "deny" }] })],
];

test.each(tampered)("with %s it is not proven", async (_name, tamper) => {
  const { here, approval } = await approved();
  expect(isProven(tamper(approval), here.key, registry)).toBe(false);
});

test("a denial signed by us is no approval when the store calls it one", async () => {
  const here = await world();
  const id = await here.open();
  await here.service.answer(id, person("bob"), { decision: "deny" });
  const denied = await here.stored(id);
  const turned: Approval = { ...denied, status: "approved", answers: [{ ...only(denied), decision: "approve" }] };
  expect(isProven(turned, here.key, registry)).toBe(false);
  expect(isProven({ ...denied, status: "approved" }, here.key, registry)).toBe(false);
});

test("an approval that is only written into the store yields no override token", async () => {
  const forged = (approval: Approval): Approval => ({
    ...approval,
    status: "approved",
    answers: [{ approver: "bob@example.com", decision: "approve", at: "2026-03-01T14:22:00.000Z", proof: "x.y.z" }],
  });
  const here = await world(forged);
  const view = await here.service.show(await here.open(), requester);
  expect(view?.status).toBe("approved");
  expect(view).not.toHaveProperty("override_token");
});

describe("at redemption the call at hand is compared", () => {
  test.each<[string, Partial<Approval>]>([
    ["call", { call: { tool: "deploy-api", action: "delete" } }],
    ["fingerprint", { fingerprint: hash("other") }],
    ["session", { session: "other" }],
    ["initiator", { requestedBy: { agent: "deploy-manager" } }],
    ["quorum", { quorum: 2 }],
  ])("and another %s is not proven", async (_name, other) => {
    const { here, approval } = await approved();
    expect(isProven(approval, here.key, registry, { ...approval, ...other })).toBe(false);
  });

  test("so a harmless call shown in place of the real one does not help", async () => {
    // The store shows people another call than the one it keeps the fingerprint of.
    const here = await world((approval) => ({ ...approval, call: { tool: "deploy-api", action: "status" } }));
    const id = await here.open();
    await here.service.answer(id, person("bob"), { decision: "approve" });
    const real = await here.stored(id);
    const asShown = await here.store.approval(id);
    expect(asShown && isProven(asShown, here.key, registry)).toBe(true);
    expect(asShown && isProven(asShown, here.key, registry, real)).toBe(false);
    expect(isProven(real, here.key, registry, real)).toBe(false);
  });

  test("an initiator taken out of the store cannot have approved", async () => {
    const here = await world((approval) => ({ ...approval, requestedBy: { agent: approval.agent } }));
    const id = await here.open({ initiatedBy: "bob" });
    await here.service.answer(id, person("bob"), { decision: "approve" });
    const stored = await here.store.approval(id);
    expect(stored && isProven(stored, here.key, registry, await here.stored(id))).toBe(false);
  });
});

test.each(["OKP", "EC", "oct"] as const)("proofs hold under a key of type %s and no other", async (kind) => {
  const key = await signingKeyOf(generateKey(kind, "approvals"));
  const other = await signingKeyOf(generateKey(kind, "approvals"));
  const statement = {
    approvalId: "apr_1",
    fingerprint: "f",
    approver: "bob",
    decision: "approve",
    at: "2026-03-01T14:22:00.000Z",
    shown: shownDigest({ agent: "a", session: "s", fingerprint: "f", call: {}, requestedBy: { agent: "a" } }),
  } as const;
  const proof = signAnswer(key, statement);
  expect(JSON.parse(Buffer.from(proof.split(".")[0] ?? "", "base64url").toString())).toEqual({
    alg: key.alg,
    kid: key.kid,
    typ: answerType,
  });
  expect(verifyAnswer(key, proof, statement)).toBe(true);
  expect(verifyAnswer(other, proof, statement)).toBe(false);
  expect(verifyAnswer(key, proof, { ...statement, decision: "deny" })).toBe(false);
  expect(verifyAnswer(key, `${proof}A`, statement)).toBe(false);
  expect(verifyAnswer(key, `${proof}=`, statement)).toBe(false);
  expect(verifyAnswer(key, proof.slice(0, proof.lastIndexOf(".") + 1), statement)).toBe(false);
});
