import { hash } from "../approvals/fixture.js";
import { type Api, api, as } from "./fixture.js";

let made: Api;
let id: string;
beforeEach(async () => {
  made = await api();
  id = await made.here.open({ fingerprint: hash("one call") });
});
afterEach(() => made.app.close());

const revoke = (name: string, payload?: object) =>
  made.send({ method: "POST", url: `/v1/approvals/${id}/revoke`, headers: as(name), ...(payload && { payload }) });
const approve = () =>
  made.send({
    method: "POST",
    url: `/v1/approvals/${id}/decision`,
    headers: as("bob"),
    payload: { decision: "approve" },
  });
const redeem = () =>
  made.here.store.settle({
    agent: "deploy-manager",
    key: "again",
    enforced: {},
    approval: { kind: "redeem", id, fingerprint: hash("one call") },
  });

test("an approval that was given is taken back before it is used", async () => {
  await approve();
  const answer = await revoke("carol", { comment: "the release is off" });
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toMatchObject({
    status: "denied",
    decisions: [
      { approver: "bob@example.com", decision: "approve" },
      { approver: "carol@example.com", decision: "revoke", comment: "the release is off" },
    ],
  });
  expect((await redeem()).approval).toEqual({ outcome: "refused", why: "not_approved" });
  expect(made.here.records.outcomes()).toEqual([
    "bob@example.com approve approved",
    "carol@example.com revoke revoked",
  ]);
});

test.each([undefined, {}])("with the body %j", async (body) => {
  expect((await revoke("bob", body)).json().status).toBe("denied");
});

test("what was used cannot be taken back", async () => {
  await approve();
  expect((await redeem()).approval).toEqual({ outcome: "redeemed" });
  const answer = await revoke("carol", {});
  expect([answer.statusCode, answer.json().reason]).toEqual([409, "used"]);
  expect((await made.here.stored(id)).status).toBe("consumed");
});

test("who may not answer may not revoke", async () => {
  expect((await revoke("alice", {})).json().reason).toBe("self_approval");
  expect((await revoke("viewer", {})).json().reason).toBe("access_denied");
  id = await made.here.open({ approvers: [["leads"]] });
  expect((await revoke("bob", {})).json().reason).toBe("not_in_group");
});

test("what has ended stays as it is", async () => {
  await revoke("bob", {});
  expect((await revoke("carol", {})).json().reason).toBe("decided");
  id = await made.here.open();
  made.here.nowMs += 900_000;
  const answer = await revoke("bob", {});
  expect([answer.statusCode, answer.json().reason]).toEqual([410, "expired"]);
});

test("when it cannot be recorded, nothing is revoked", async () => {
  await approve();
  made.here.records.broken = true;
  expect((await revoke("carol", {})).statusCode).toBe(503);
  expect((await made.here.stored(id)).status).toBe("approved");
});

test.each([{ decision: "revoke" }, { comment: 7 }, { comment: "a\nb" }])(
  "another body is refused: %j",
  async (body) => {
    expect((await revoke("bob", body)).statusCode).toBe(400);
    expect((await made.here.stored(id)).status).toBe("pending");
  },
);

test("a decision on what was shown differently is refused", async () => {
  const { shown } = (await made.send({ url: `/v1/approvals/${id}`, headers: as("bob") })).json();
  const decide = (of: string) =>
    made.send({
      method: "POST",
      url: `/v1/approvals/${id}/decision`,
      headers: as("bob"),
      payload: { decision: "approve", shown: of },
    });
  const answer = await decide(`sha256:${hash("another call")}`);
  expect([answer.statusCode, answer.json().reason]).toEqual([409, "not_as_shown"]);
  expect((await decide(shown)).json().status).toBe("approved");
});
