import type { ApprovalTerms } from "../../src/outcome.js";
import { Refusal } from "../../src/refusal.js";
import { systemRuntime } from "../../src/runtime.js";
import { type SettleParts, settle } from "../../src/settle/index.js";
import { memoryStore } from "../../src/store/memory.js";
import type { Approval, SettleRequest, Store } from "../../src/store/store.js";
import { call, identity, person, session, world } from "../approvals/fixture.js";

const terms: ApprovalTerms = { approvers: [], quorum: 1 };
const allow = { verdict: "allow", reason: "allowed", violations: [], redeems: false, terms } as const;
const deny = { ...allow, verdict: "deny", reason: "max_n" } as const;
const asks = { ...allow, verdict: "approval_needed", reason: "approval_needed" } as const;
const redeems = { ...allow, redeems: true } as const;
const rate = { interval_us: 1_000_000, burst: 1 };
const limits = { enforced: { rate }, shadow: { daily_budget_micro: 5 } };

/** What settling asks of the store, and what comes of it. */
async function settled(more: Partial<SettleParts>, tamper?: (approval: Approval) => Approval) {
  const here = await world(tamper);
  const requests: SettleRequest[] = [];
  const store: Store = {
    ...here.store,
    settle: (request) => {
      requests.push(request);
      return here.store.settle(request);
    },
  };
  const parts: SettleParts = {
    requestId: "77",
    decisionId: "01KJMK0000000000000000DEC1",
    approvalId: "01KJMK0000000000000000APR1",
    identity: identity("deploy-manager"),
    call,
    session,
    fingerprint: "sha256:f",
    override: null,
    policyVersion: "sha256:9f2c",
    computed: allow,
    enforced: allow,
    limits: {},
    costMicro: 3,
    dryRun: false,
    store,
    approvals: here.service,
    approvalExpiresMs: 900_000,
    ...more,
  };
  return { here, requests, parts, run: () => settle(parts) };
}

const nothing = { enforced: { outcome: "ok" }, shadow: { outcome: "ok" } };
const reasonOf = (run: Promise<unknown>) =>
  run.then(
    () => "none",
    (error: unknown) => (error instanceof Refusal ? error.reason : Promise.reject(error)),
  );

describe("what is charged", () => {
  test.each<[string, Partial<SettleParts>, object | null]>([
    ["nothing without limits", {}, null],
    ["nothing for a denial", { enforced: deny, computed: deny, limits }, null],
    [
      "each kind of limit on its own counters",
      { limits },
      {
        enforced: { rate: { intervalUs: 1_000_000, burst: 1 } },
        shadow: { budget: { limitMicro: 5, costMicro: 3 } },
        approval: { kind: "none" },
      },
    ],
    [
      "only what is enforced when a rule in shadow is broken",
      { computed: deny, limits },
      { enforced: { rate: expect.anything() } },
    ],
    ["nothing in shadow for a call that would wait", { computed: asks, limits: { shadow: limits.shadow } }, null],
    [
      "all in shadow in a dry run",
      { dryRun: true, limits },
      { enforced: {}, shadow: { rate: expect.anything(), budget: expect.anything() }, approval: { kind: "none" } },
    ],
    ["nothing in a dry run for what would be denied", { dryRun: true, computed: deny, enforced: deny, limits }, null],
    ["no approval in a dry run", { dryRun: true, computed: asks, enforced: asks }, null],
    ["no approval for what only shadow asks", { computed: asks, enforced: allow }, null],
  ])("%s", async (_, parts, wanted) => {
    const { requests, run } = await settled(parts);
    await run();
    if (wanted === null) expect(requests).toEqual([]);
    else expect(requests).toMatchObject([{ agent: "deploy-manager", ...wanted }]);
    if (wanted !== null && !("shadow" in wanted)) expect(requests[0]).not.toHaveProperty("shadow");
  });

  test("the key binds Envoy's stream id and the fingerprint", async () => {
    const { requests, run, parts } = await settled({ limits });
    await run();
    await settle({ ...parts, requestId: "78" });
    await settle({ ...parts, fingerprint: "sha256:g" });
    const keys = requests.map(({ key }) => key);
    expect(keys[0]).toContain("77");
    expect(keys[0]).toContain("sha256:f");
    expect(new Set(keys).size).toBe(3);
  });

  test("the same request again gets the same answer", async () => {
    const { run } = await settled({ limits: { enforced: { rate } } });
    expect(await run()).toEqual(nothing);
    expect(await run()).toEqual(nothing);
  });

  test("another one is over the limit", async () => {
    const { run, parts } = await settled({ limits: { enforced: { rate } } });
    await run();
    expect((await settle({ ...parts, requestId: "78" })).enforced).toMatchObject({ outcome: "rate_exceeded" });
  });
});

describe("approvals", () => {
  async function approved(tamper?: (approval: Approval) => Approval, asked = terms) {
    const more = { enforced: { ...asks, terms: asked }, computed: asks };
    const { here, parts, run } = await settled(more, tamper);
    const { opened } = await run();
    if (!opened) throw new Error("not opened");
    await here.service.answer(opened.id, person("bob"), { decision: "approve" });
    const override = { approvalId: opened.id, token: "t" };
    const enforced = { ...redeems, terms: asked };
    return { here, id: opened.id, redeeming: { ...parts, requestId: "78", enforced, computed: redeems, override } };
  }

  test("one is opened once for the same call", async () => {
    const { run, parts } = await settled({ enforced: asks, computed: asks });
    const first = await run();
    expect(first.opened).toMatchObject({ fresh: true, id: expect.stringMatching(/^apr_/) });
    const again = await settle({ ...parts, requestId: "78", approvalId: "01KJMK0000000000000000APR2" });
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
    const other = { ...parts, requestId: "78", approvalId: "01KJMK0000000000000000APR2", enforced: asks };
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
    const { opened } = await settle({ ...asking, requestId: "79", approvalId: "01KJMK0000000000000000APR2" });
    expect(opened).toMatchObject({ fresh: true });
    expect(opened?.id).not.toBe(id);
    expect(await here.stored(opened?.id ?? "")).toMatchObject({ status: "pending", quorum: 2 });
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
    expect(await settle({ ...redeeming, enforced: allow, computed: allow })).toEqual(nothing);
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
});

describe("a store that is gone", () => {
  const gone = async () => {
    const store = memoryStore(systemRuntime);
    await store.close();
    return store;
  };

  test.each<[string, Partial<SettleParts>]>([
    ["enforced limits", { limits }],
    ["an approval to open", { enforced: asks, computed: asks }],
    ["an approval to redeem", { enforced: redeems, computed: redeems, override: { approvalId: "apr_1", token: "t" } }],
  ])("refuses where it is needed: %s", async (_, more) => {
    const { run } = await settled({ ...more, store: await gone() });
    expect(await reasonOf(run())).toBe("store_unavailable");
  });

  test("refuses nobody for limits in shadow, and says so", async () => {
    const { run } = await settled({ limits: { shadow: limits.shadow }, store: await gone() });
    expect(await run()).toEqual({ enforced: { outcome: "ok" }, shadow: { outcome: "unavailable" } });
  });

  test("is not asked where it is not needed", async () => {
    const { run } = await settled({ store: await gone() });
    expect(await run()).toEqual(nothing);
  });

  test("another failure is passed on as it is", async () => {
    const { parts } = await settled({ limits });
    const store: Store = { ...parts.store, settle: async () => Promise.reject(new TypeError("a bug")) };
    await expect(settle({ ...parts, store })).rejects.toThrow(TypeError);
  });
});
