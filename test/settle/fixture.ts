import type { ApprovalTerms } from "../../src/outcome.js";
import { Refusal } from "../../src/refusal.js";
import { type SettleParts, settle as settleAsFound } from "../../src/settle/index.js";
import type { Approval, SettleRequest, Store } from "../../src/store/store.js";
import type { Violation } from "../../src/verdict.js";
import { call, identity, person, session, world } from "../approvals/fixture.js";

export const terms: ApprovalTerms = { approvers: [], quorum: 1 };
export const allow = { verdict: "allow", reason: "allowed", asked: [], redeems: false, terms } as const;
export const deny = { ...allow, verdict: "deny", reason: "max_n" } as const;
export const many: Violation = { rule: "max_n", param: "n", limit: 5, actual: 6, message: "n 6 is above max_n 5" };
export const asks = { ...allow, verdict: "approval_needed", reason: "approval_needed", asked: [many] } as const;
export const redeems = { ...allow, redeems: true, asked: [many] } as const;
export const late: Violation = {
  rule: "windows",
  limit: "UTC",
  actual: { day: 6, minute: 60 },
  message: "it is Saturday",
};
export const rate = { interval_us: 1_000_000, burst: 1 };
export const limits = { enforced: { rate }, shadow: { daily_budget_micro: 5 } };

export const sessionTerms = { ttlMs: 86_400_000, learningMs: 604_800_000, burst: { refusals: 5, withinMs: 60_000 } };

/** Settles with the approval that the store has at this moment, as the stage before finds it. */
export async function settle(parts: SettleParts) {
  const { override, identity, session, store } = parts;
  if (override === null) return settleAsFound(parts);
  const wanted = { agent: identity.agent.id, session: session.id, tool: null, learningMs: 0 };
  const { approval } = await store.look({ ...wanted, approval: override.approvalId });
  return settleAsFound({ ...parts, approval });
}

/** What settling asks of the store, and what comes of it. */
export async function settled(more: Partial<SettleParts>, tamper?: (approval: Approval) => Approval) {
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
    approvalId: () => "01KJMK0000000000000000APR1",
    identity: identity("deploy-manager"),
    call,
    session,
    fingerprint: "sha256:f",
    override: null,
    approval: null,
    indicators: [],
    outside: null,
    tags: [],
    terms: sessionTerms,
    onObserved: () => undefined,
    policyVersion: "sha256:9f2c",
    computed: allow,
    enforced: allow,
    limits: {},
    costMicro: { enforced: 3, computed: 3 },
    dryRun: false,
    store,
    approvals: here.service,
    approvalExpiresMs: 900_000,
    ...more,
  };
  return { here, requests, parts, run: () => settle(parts) };
}

export const nothing = { enforced: { outcome: "ok" }, shadow: { outcome: "ok" }, before: null };
export const reasonOf = (run: Promise<unknown>) =>
  run.then(
    () => "none",
    (error: unknown) => (error instanceof Refusal ? error.reason : Promise.reject(error)),
  );

/** A call that people approved for `reasons` under the terms `asked`, about to be redeemed. */
export async function approved(
  tamper?: (approval: Approval) => Approval,
  asked = terms,
  reasons: readonly Violation[] = [many],
) {
  const more = { enforced: { ...asks, asked: reasons, terms: asked }, computed: asks };
  const { here, parts, run } = await settled(more, tamper);
  const { opened } = await run();
  if (!opened) throw new Error("not opened");
  await here.service.answer(opened.id, person("bob"), { decision: "approve" });
  const override = { approvalId: opened.id, token: "t" };
  const enforced = { ...redeems, asked: reasons, terms: asked };
  return { here, id: opened.id, redeeming: { ...parts, requestId: "78", enforced, computed: redeems, override } };
}
