import type { ApprovalTerms } from "../../src/outcome.js";
import type { Refusal } from "../../src/refusal.js";
import type { SettleParts } from "../../src/settle/index.js";
import type { Approval } from "../../src/store/store.js";
import type { Violation } from "../../src/verdict.js";
import { call } from "../approvals/fixture.js";
import { allow, approved, asks, late, many, nothing, reasonOf, redeems, settle, settled, terms } from "./fixture.js";

test("one is opened once for the same call", async () => {
  const { run, parts } = await settled({ enforced: asks, computed: asks });
  const first = await run();
  expect(first.opened).toMatchObject({ fresh: true, id: expect.stringMatching(/^apr_/) });
  const again = await settle({ ...parts, requestId: "78", approvalId: () => "01KJMK0000000000000000APR2" });
  expect(again.opened).toMatchObject({ fresh: false, id: first.opened?.id });
});

test("one is opened under the terms of the policies, with the configuration's lifetime where they name none", async () => {
  const asked: ApprovalTerms = { approvers: [["sre"], ["leads", "security"]], quorum: 2, expiresInMs: 60_000 };
  const { run, parts, here } = await settled({ enforced: { ...asks, terms: asked }, computed: asks });
  const { opened } = await run();
  expect(opened?.id).toBe("apr_01KJMK0000000000000000APR1");
  expect(await here.stored(opened?.id ?? "")).toMatchObject({
    approvers: asked.approvers,
    quorum: 2,
    decisionId: parts.decisionId,
    expiresAtMs: here.nowMs + 60_000,
  });
  const other = { ...parts, requestId: "78", approvalId: () => "01KJMK0000000000000000APR2", enforced: asks };
  const again = await settle(other);
  expect(again.opened).toMatchObject({ fresh: true, expiresAtMs: here.nowMs + 900_000 });
});

test.each<[string, ApprovalTerms]>([
  ["a quorum", { ...terms, quorum: 0 }],
  ["a list of groups", { ...terms, approvers: [[]] }],
  ["a lifetime", { ...terms, expiresInMs: 0 }],
  ["a lifetime", { ...terms, expiresInMs: Number.NaN }],
  ["a lifetime", { ...terms, expiresInMs: 31 * 86_400_000 }],
])("none is opened under terms with %s that nobody could meet", async (_, asked) => {
  const { run } = await settled({ enforced: { ...asks, terms: asked }, computed: asks });
  await expect(run()).rejects.toThrow(RangeError);
});

test.each<[string, Partial<ApprovalTerms>, string]>([
  ["the same", {}, "none"],
  ["fewer people, of any group", { quorum: 1, approvers: [] }, "none"],
  ["a group that the approver is in too", { approvers: [["sre"], ["sre", "security"]] }, "none"],
  ["more people", { quorum: 2 }, "override_invalid"],
  ["another group", { approvers: [["leads"]] }, "override_invalid"],
  ["a further group", { approvers: [["sre"], ["leads"]] }, "override_invalid"],
  ["a time that is over", { expiresInMs: 60_000 }, "override_invalid"],
])("what was given is weighed under the terms that hold when it is redeemed: %s", async (_, now, wanted) => {
  const asked = { ...terms, approvers: [["sre"]] };
  const { here, id, redeeming } = await approved(undefined, asked);
  here.nowMs += 60_000;
  const enforced = { ...redeems, terms: { ...asked, ...now } };
  expect(await reasonOf(settle({ ...redeeming, enforced }))).toBe(wanted);
  expect((await here.stored(id)).status).toBe(wanted === "none" ? "consumed" : "approved");
});

test("after the terms became stricter, the same call asks anew, under them", async () => {
  const { here, id, redeeming } = await approved();
  const stricter = { ...asks, terms: { ...terms, quorum: 2 } };
  const asking = { ...redeeming, override: null, enforced: stricter, computed: stricter };
  const { opened } = await settle({ ...asking, requestId: "79", approvalId: () => "01KJMK0000000000000000APR2" });
  expect(opened).toMatchObject({ fresh: true });
  expect(opened?.id).not.toBe(id);
  expect(await here.stored(opened?.id ?? "")).toMatchObject({ status: "pending", quorum: 2 });
});

test("what was given is for the reasons that people saw, and is not used up for others", async () => {
  const { here, id, redeeming } = await approved(undefined, terms, [many, late]);
  const now = async (...asked: Violation[]) =>
    settle({ ...redeeming, enforced: { ...redeems, asked } }).then(
      () => "passes",
      ({ reason, message }: Refusal) => `${reason}: ${message}`,
    );
  const other: Violation = { rule: "dlp", limit: "payment_card", actual: [], message: "x-note holds payment_card" };
  for (const asked of [[other], [many, late, other], [{ ...many, limit: 4 }], []]) {
    expect(await now(...asked)).toMatch(/^override_invalid: what needs approval has changed .* without the token/);
  }
  expect((await here.stored(id)).status).toBe("approved");
  expect(await now({ ...late, actual: { day: 6, minute: 61 }, message: "it is later" })).toBe("passes");
  expect((await here.stored(id)).status).toBe("consumed");
});

test("people see all that is asked, and reasons that were added in the store let nothing through", async () => {
  const { here, id, redeeming } = await approved((approval) =>
    approval.status === "approved" ? { ...approval, violations: [many, late] } : approval,
  );
  expect((await here.stored(id)).violations).toEqual([many]);
  expect(await reasonOf(settle({ ...redeeming, enforced: { ...redeems, asked: [many, late] } }))).toBe(
    "override_invalid",
  );
  expect(here.troubles).not.toEqual([]);
});

test("while one is pending, the same call for other reasons asks anew", async () => {
  const { run, parts } = await settled({ enforced: asks, computed: asks });
  const first = await run();
  const asking = { ...parts, requestId: "78", approvalId: () => "01KJMK0000000000000000APR2" };
  const other = await settle({ ...asking, enforced: { ...asks, asked: [many, late] } });
  expect(other.opened).toMatchObject({ fresh: true });
  expect(other.opened?.id).not.toBe(first.opened?.id);
  expect((await settle({ ...asking, requestId: "79" })).opened?.id).toBe(first.opened?.id);
});

test("none is opened for a call that is too large to be judged whole", async () => {
  const large = { ...call, params: { note: "x".repeat(70_000) } };
  const { run, requests } = await settled({ enforced: asks, computed: asks, call: large });
  expect(await reasonOf(run())).toBe("approval_too_large");
  expect(requests).toEqual([]);
});

test("one is redeemed once, and says who approved", async () => {
  const { id, redeeming } = await approved();
  expect((await settle(redeeming)).redeemed).toEqual({
    id,
    deploymentId: "dep-1",
    humans: [{ approver: "bob@example.com", timestamp: "2026-03-01T14:22:00.000Z", approval_id: id }],
  });
  // Envoy's retry of the same request, and another request.
  expect((await settle(redeeming)).redeemed?.id).toBe(id);
  expect(await reasonOf(settle({ ...redeeming, requestId: "79" }))).toBe("override_used");
});

test("a token that is not needed is not redeemed", async () => {
  const { redeeming } = await approved();
  const unneeded = await settle({ ...redeeming, enforced: allow, computed: allow });
  expect(unneeded).not.toHaveProperty("redeemed");
  expect(unneeded).toMatchObject({ ...nothing, before: expect.objectContaining({ calls: 1, passed: 0 }) });
  expect((await settle({ ...redeeming, requestId: "79" })).redeemed).toBeDefined();
});

test.each<[string, Partial<SettleParts>]>([
  ["an approval that nobody knows", { override: { approvalId: "apr_unknown", token: "t" } }],
  ["another call than was shown", { call: { ...call, environment: "qa" } }],
  ["another fingerprint", { fingerprint: "sha256:g" }],
])("%s lets nothing through", async (_, more) => {
  const { redeeming } = await approved();
  expect(await reasonOf(settle({ ...redeeming, ...more }))).toBe("override_invalid");
});

test("an approval that nobody gave lets nothing through, whatever the store says", async () => {
  const { here, parts, run } = await settled({ enforced: asks, computed: asks }, (approval) => ({
    ...approval,
    status: "approved",
  }));
  const { opened } = await run();
  expect(opened).toBeDefined();
  const override = { approvalId: opened?.id ?? "", token: "t" };
  const redeeming = { ...parts, requestId: "78", enforced: redeems, computed: redeems, override };
  expect(await reasonOf(settle(redeeming))).toBe("override_invalid");
  expect((await here.stored(override.approvalId)).status).toBe("pending");
});

test.each<[string, (approval: Approval) => Approval]>([
  [
    "another approver",
    (a) => ({ ...a, answers: a.answers.map((answer) => ({ ...answer, approver: "carol@example.com" })) }),
  ],
  ["no answers", (a) => ({ ...a, answers: [] })],
  ["another call", (a) => ({ ...a, call: { tool: "harmless" } })],
  ["a lower quorum", (a) => ({ ...a, quorum: 0, answers: [] })],
])("an approval with %s than was signed lets nothing through", async (_, tamper) => {
  const { redeeming } = await approved((approval) => (approval.status === "approved" ? tamper(approval) : approval));
  expect(await reasonOf(settle(redeeming))).toBe("override_invalid");
});

test("an approval that expired since is told as that", async () => {
  const { redeeming } = await approved((approval) =>
    approval.status === "approved" ? { ...approval, status: "expired" } : approval,
  );
  expect(await reasonOf(settle(redeeming))).toBe("override_expired");
});
