import { maxDraftBytes, openDraft } from "../../src/approvals/draft.js";
import { ApprovalError } from "../../src/approvals/error.js";
import { verifyOverride } from "../../src/approvals/override_token.js";
import type { Viewer } from "../../src/approvals/view.js";
import { call, identity, person, registry, session, type World, world } from "./fixture.js";

const requester: Viewer = { kind: "agent", agent: "deploy-manager", session: session.id };
const never = new AbortController().signal;

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof ApprovalError ? error.code : `not refused: ${error}`;
}

const approve = (here: World, id: string, name: string) =>
  here.service.answer(id, person(name), { decision: "approve" });

test("one person approves, and the agent that asked gets its override token", async () => {
  const here = await world();
  const id = await here.open();
  expect(await here.service.show(id, requester)).toEqual({
    id,
    status: "pending",
    call: {
      tool: "deploy-api",
      action: "deploy",
      environment: "production",
      service: "shop",
      image_tag: null,
      deployment_id: "dep-1",
      amount: null,
      images: ["shop@sha256:aa"],
      params: { replicas: 3, note: "<b>\u202egnp.exe" },
      destination: { host: "deploy.internal", port: 443, scheme: "https" },
      method: "POST",
      path: "/v1/deploy",
      query: [{ name: "a b", value: "1" }],
      content_type: "application/json",
      body_sha256: call.http.body_sha256,
    },
    reason: "approval_needed",
    violations: [{ rule: "allowed_environments", actual: "production", message: "production needs approval" }],
    requested_by: { agent: "deploy-manager", initiated_by: "alice" },
    quorum: 1,
    approvers: [],
    cost: 2.5,
    shown: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    created_at: "2026-03-01T14:22:00.000Z",
    expires_at: "2026-03-01T14:37:00.000Z",
    decisions: [],
  });

  here.nowMs += 1000;
  const answered = await here.service.answer(id, person("bob"), { decision: "approve", comment: "go" });
  const decisions = [
    { approver: "bob@example.com", decision: "approve", comment: "go", at: "2026-03-01T14:22:01.000Z" },
  ];
  expect(answered).toMatchObject({ status: "approved", decisions });
  expect(answered).not.toHaveProperty("override_token");

  const shown = await here.service.show(id, requester);
  const context = { key: here.key, now: here.nowMs, agent: "deploy-manager", session: session.id };
  expect(await verifyOverride(shown?.override_token ?? "", context)).toEqual({
    approvalId: id,
    fingerprint: (await here.stored(id)).fingerprint,
  });
  expect(here.records.kept).toEqual([
    {
      kind: "approval",
      timestamp: "2026-03-01T14:22:01.000Z",
      approval_id: id,
      agent_id: "deploy-manager",
      session_id: "abc-123",
      deployment_id: "dep-1",
      fingerprint: (await here.stored(id)).fingerprint,
      approver: "bob@example.com",
      decision: "approve",
      comment: "go",
      outcome: "approved",
      proof: (await here.stored(id)).answers[0]?.proof,
    },
  ]);
});

describe("the override token is for nobody else", () => {
  test.each<[string, Viewer]>([
    ["the same agent in another session", { ...requester, session: "other" }],
    ["an approver", { kind: "person", person: person("bob") }],
  ])("%s sees the approval without it", async (_name, viewer) => {
    const here = await world();
    const id = await here.open();
    await approve(here, id, "bob");
    const view = await here.service.show(id, viewer);
    expect(view?.status).toBe("approved");
    expect(view).not.toHaveProperty("override_token");
  });

  test("another agent does not see the approval at all", async () => {
    const here = await world();
    const id = await here.open();
    expect(await here.service.show(id, { ...requester, agent: "other-agent" })).toBeNull();
    expect(await here.service.wait(id, { ...requester, agent: "other-agent" }, 60_000, never)).toBeNull();
  });

  test("it is gone once the approval is redeemed or expired", async () => {
    const here = await world();
    const [first, second] = [await here.open(), await here.open()];
    await approve(here, first, "bob");
    await approve(here, second, "bob");
    const { fingerprint } = await here.stored(first);
    await here.store.settle({
      agent: "deploy-manager",
      key: "redeem",
      enforced: {},
      approval: { kind: "redeem", id: first, fingerprint },
    });
    expect(await here.service.show(first, requester)).toMatchObject({ status: "consumed" });
    expect(await here.service.show(first, requester)).not.toHaveProperty("override_token");
    here.nowMs += 900_000;
    expect(await here.service.show(second, requester)).toMatchObject({ status: "expired" });
    expect(await here.service.show(second, requester)).not.toHaveProperty("override_token");
  });
});

describe("who may not answer", () => {
  test.each(["alice", "alice@example.com", "U0A", "ALICE", "u0a "])(
    "the initiator, called %p by the token",
    async (initiatedBy) => {
      const here = await world();
      const id = await here.open({ initiatedBy });
      expect(await refusal(approve(here, id, "alice"))).toBe("self_approval");
      expect(await refusal(here.service.answer(id, person("alice"), { decision: "deny" }))).toBe("self_approval");
      expect((await here.stored(id)).status).toBe("pending");
      expect(here.records.kept).toEqual([]);
    },
  );

  test("somebody who is the agent itself", async () => {
    const here = await world();
    const id = await here.open({ agent: "bob", initiatedBy: null });
    expect(await refusal(approve(here, id, "bob"))).toBe("self_approval");
  });

  test.each(["audit@example.com", "view@example.com", "root@example.com", "nothing@example.com"])(
    "%s, who is no approver",
    async (name) => {
      const here = await world();
      const id = await here.open();
      expect(await refusal(approve(here, id, name))).toBe("not_approver");
    },
  );
});

describe("an approval for members of groups", () => {
  const approvers = [["sre", "payments"], ["leads"]];

  test("is answered by who is in one group of every list", async () => {
    const here = await world();
    const id = await here.open({ approvers });
    expect(await here.service.show(id, requester)).toMatchObject({ approvers });
    for (const name of ["bob", "dan@example.com"]) {
      for (const decision of ["approve", "deny"] as const) {
        const answer = here.service.answer(id, person(name), { decision });
        await expect(answer).rejects.toMatchObject({
          code: "not_in_group",
          status: 403,
          message: "only members of sre or payments, and of leads answer this approval",
        });
      }
    }
    expect(here.records.kept).toEqual([]);
    expect(await here.stored(id)).toMatchObject({ status: "pending", answers: [] });
    expect((await approve(here, id, "carol@example.com")).status).toBe("approved");
    expect((await here.service.show(id, requester))?.override_token).toBeDefined();
  });

  test("is not answered by one of those who ask, whatever the group", async () => {
    const here = await world();
    const id = await here.open({ approvers: [["sre"]], initiatedBy: "bob" });
    expect(await refusal(approve(here, id, "bob"))).toBe("self_approval");
  });

  test("with a quorum of two takes two members, and nobody from outside", async () => {
    const here = await world();
    const id = await here.open({ approvers: [["sre"]], quorum: 2 });
    expect((await approve(here, id, "bob")).status).toBe("pending");
    expect(await refusal(approve(here, id, "dan@example.com"))).toBe("not_in_group");
    expect(await refusal(approve(here, id, "bob"))).toBe("decided");
    expect((await approve(here, id, "carol@example.com")).status).toBe("approved");
    expect(here.service.proven(await here.stored(id))).toBe(true);
  });

  test("does not hold any more when the member has left the group", async () => {
    const here = await world();
    const id = await here.open({ approvers: [["sre"]] });
    await approve(here, id, "bob");
    const left = { ...person("bob"), groups: [] };
    here.registry = { ...registry, person: (name) => (name.startsWith("bob") ? left : registry.person(name)) };
    expect(here.service.proven(await here.stored(id))).toBe(false);
    expect(await here.service.show(id, requester)).not.toHaveProperty("override_token");
  });
});

describe("an answer is not taken", () => {
  test("when there is no such approval", async () => {
    expect(await refusal(approve(await world(), "apr_unknown", "bob"))).toBe("not_found");
  });

  test("after the decision, whatever it was", async () => {
    const here = await world();
    const id = await here.open();
    await here.service.answer(id, person("bob"), { decision: "deny" });
    expect(await refusal(approve(here, id, "carol@example.com"))).toBe("decided");
    expect(await here.stored(id)).toMatchObject({ status: "denied" });
    expect(here.records.outcomes()).toEqual(["bob@example.com deny denied"]);
  });

  test("after the expiry", async () => {
    const here = await world();
    const id = await here.open();
    here.nowMs += 900_000;
    expect(await refusal(approve(here, id, "bob"))).toBe("expired");
    expect(here.records.kept).toEqual([]);
  });

  test.each([
    ["too long", "x".repeat(2001)],
    ["a line break", "a\nb"],
    ["NUL", "a\u0000"],
    ["right-to-left override", "a\u202eb"],
    ["zero-width space", "a\u200bb"],
    ["lone surrogate", "a\ud800"],
  ])("with a comment that has %s", async (_name, comment) => {
    const here = await world();
    const id = await here.open();
    const answer = here.service.answer(id, person("bob"), { decision: "approve", comment });
    expect(await refusal(answer)).toBe("invalid_comment");
    expect((await here.stored(id)).status).toBe("pending");
  });

  test("when it cannot be recorded", async () => {
    const here = await world();
    const id = await here.open();
    here.records.broken = true;
    await expect(approve(here, id, "bob")).rejects.toThrow("disk full");
    expect(await here.stored(id)).toMatchObject({ status: "pending", answers: [] });
    here.records.broken = false;
    expect((await approve(here, id, "bob")).status).toBe("approved");
  });
});

test("a quorum counts distinct people", async () => {
  const here = await world();
  const id = await here.open({ quorum: 2 });
  expect((await approve(here, id, "bob")).status).toBe("pending");
  expect(await refusal(approve(here, id, "bob"))).toBe("decided");
  expect(here.service.proven(await here.stored(id))).toBe(false);
  expect((await approve(here, id, "carol@example.com")).status).toBe("approved");
  expect(here.service.proven(await here.stored(id))).toBe(true);
  expect(here.records.outcomes()).toEqual(["bob@example.com approve recorded", "carol@example.com approve approved"]);
});

test("a race of approve and deny ends in one state, and the records say which answer had no effect", async () => {
  const here = await world();
  for (let round = 0; round < 20; round += 1) {
    const id = await here.open();
    const [first, second] = await Promise.allSettled([
      here.service.answer(id, person("bob"), { decision: "approve" }),
      here.service.answer(id, person("carol@example.com"), { decision: "deny" }),
    ]);
    expect([first.status, second.status].sort()).toEqual(["fulfilled", "rejected"]);
    const { status, answers } = await here.stored(id);
    expect(answers).toHaveLength(1);
    expect(status).toBe(first.status === "fulfilled" ? "approved" : "denied");
  }
  const voids = here.records.outcomes().filter((line) => line.endsWith("void"));
  expect(voids).toHaveLength(20);
  expect(here.records.kept).toHaveLength(60);
});

describe("waiting", () => {
  test("ends soon after the answer", async () => {
    const here = await world();
    const id = await here.open();
    const started = performance.now();
    const waiting = here.service.wait(id, requester, 30_000, never);
    await approve(here, id, "bob");
    expect(await waiting).toMatchObject({ status: "approved", override_token: expect.any(String) });
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  test("ends at once when aborted, and when nothing is pending", async () => {
    const here = await world();
    const id = await here.open();
    const started = performance.now();
    const abort = new AbortController();
    const waiting = here.service.wait(id, requester, 30_000, abort.signal);
    abort.abort();
    expect(await waiting).toMatchObject({ status: "pending" });
    expect(await here.service.wait("apr_unknown", requester, 30_000, never)).toBeNull();
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  test("ends after the time asked for", async () => {
    const here = await world();
    const id = await here.open();
    const started = performance.now();
    expect(await here.service.wait(id, requester, 300, never)).toMatchObject({ status: "pending" });
    expect(performance.now() - started).toBeGreaterThan(290);
  });
});

test("an agent may have so many approvals pending, and an answer makes room", async () => {
  const here = await world();
  const [first] = [await here.open(), await here.open(), await here.open()];
  await expect(here.open()).rejects.toThrow("not opened");
  expect(await here.open({ agent: "other-agent" })).toMatch(/^apr_/);
  if (first) await here.service.answer(first, person("bob"), { decision: "deny" });
  expect(await here.open()).toMatch(/^apr_/);
  await expect(here.open()).rejects.toThrow("not opened");
});

test("the list shows what the filter asks for, newest first, without tokens", async () => {
  const here = await world();
  const first = await here.open();
  here.nowMs += 1;
  const second = await here.open();
  await approve(here, first, "bob");
  expect((await here.service.list({ limit: 10 })).map(({ id }) => id)).toEqual([second, first]);
  expect((await here.service.list({ limit: 10, status: "approved" })).map(({ id }) => id)).toEqual([first]);
  expect(await here.service.list({ limit: 10, agent: "other-agent" })).toEqual([]);
  expect(JSON.stringify(await here.service.list({ limit: 10 }))).not.toMatch(/override_token|proof/);
});

test("the status address names the approval below the public URL", async () => {
  expect((await world()).service.statusUrl("apr_1")).toBe("http://127.0.0.1:9192/v1/approvals/apr_1");
});

test("a draft refuses what nobody could meet", () => {
  const good = {
    id: "1",
    identity: identity("a"),
    session,
    call: { ...call, deployment_id: null },
    fingerprint: "f",
    reason: "approval_needed",
    violations: [],
    policyVersion: "v",
    decisionId: "dec-1",
    quorum: 1,
    approvers: [["sre"]],
    costMicro: 0,
    expiresInMs: 1000,
  };
  expect(openDraft(good)).toMatchObject({ id: "apr_1", quorum: 1, approvers: [["sre"]], deploymentId: "dec-1" });
  expect(JSON.stringify(openDraft(good))).not.toContain("secret");
  const filled = (bytes: number) => ({ ...good, call: { ...call, params: { note: "é".repeat(bytes / 2) } } });
  const besides = Buffer.byteLength(JSON.stringify(openDraft(filled(0))));
  expect(openDraft(filled(maxDraftBytes - besides - (besides % 2)))).toMatchObject({ id: "apr_1" });
  expect(() => openDraft(filled(maxDraftBytes - besides - (besides % 2) + 2))).toThrow(
    expect.objectContaining({ reason: "approval_too_large" }),
  );
  for (const quorum of [0, -1, 1.5, Number.NaN]) expect(() => openDraft({ ...good, quorum })).toThrow(RangeError);
  expect(() => openDraft({ ...good, approvers: [["sre"], []] })).toThrow(RangeError);
  expect(() => openDraft({ ...good, expiresInMs: 0 })).toThrow(RangeError);
});

test("an approver who lost the access does not count any more", async () => {
  const here = await world();
  const id = await here.open();
  await approve(here, id, "bob");
  expect(here.service.proven(await here.stored(id))).toBe(true);
  here.registry = { ...registry, person: (name) => (name.startsWith("bob") ? undefined : registry.person(name)) };
  expect(here.service.proven(await here.stored(id))).toBe(false);
  expect(await here.service.show(id, requester)).not.toHaveProperty("override_token");
});
