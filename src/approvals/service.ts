import { setTimeout as sleep } from "node:timers/promises";
import type { AuditSink } from "../audit/record.js";
import type { SigningKey } from "../keys/keys.js";
import type { Person, Registry } from "../registry/registry.js";
import type { Runtime } from "../runtime.js";
import type { Approval, ApprovalStatus, Store } from "../store/store.js";
import { type AnswerRequest, takeAnswer } from "./answer.js";
import { issueOverride } from "./override_token.js";
import { type Expected, isProven } from "./proven.js";
import { type ApprovalView, describe, maySee, type Viewer } from "./view.js";

/** Longest long poll. */
export const maxWaitMs = 60_000;
const pollMs = 250;
/** Long polls beyond this many answer at once, so that waiting clients cannot wear down the store. */
const maxWaiters = 500;
/** Approvals as people and agents use them. Every method throws `StoreUnavailable` when the store does. */
export interface ApprovalsService {
  /** `null` when there is no such approval, or none for this viewer. */
  show(id: string, viewer: Viewer): Promise<ApprovalView | null>;
  /** Waits until the approval is no longer pending, at most `ms` (bounded by 60 s) or until aborted; then as `show`. */
  wait(id: string, viewer: Viewer, ms: number, signal: AbortSignal): Promise<ApprovalView | null>;
  /** Newest first, for people. */
  list(filter: { status?: ApprovalStatus; agent?: string; limit: number }): Promise<ApprovalView[]>;
  /** Takes one person's answer. Throws `ApprovalError`, or `AuditUnavailable` and then nothing was decided. */
  answer(id: string, person: Person, request: AnswerRequest): Promise<ApprovalView>;
  /** Checks the signed answers of an approval before it is redeemed; see `isProven`. */
  proven(approval: Approval, expected?: Expected): boolean;
  /** Address at which the requesting agent polls. */
  statusUrl(id: string): string;
}

export interface ApprovalsOptions {
  store: Store;
  /** Signs answers and override tokens; processes that share the store share it. */
  key: SigningKey;
  registry: () => Registry;
  audit: AuditSink;
  runtime: Pick<Runtime, "now">;
  publicUrl: string;
}

export function approvalsService(options: ApprovalsOptions): ApprovalsService {
  const { store, key, registry } = options;
  let waiters = 0;

  const proven = (approval: Approval, expected?: Expected) => isProven(approval, key, registry(), expected);

  async function view(approval: Approval, viewer: Viewer): Promise<ApprovalView> {
    const redeemable =
      viewer.kind === "agent" &&
      viewer.agent === approval.agent &&
      viewer.session === approval.session &&
      approval.status === "approved" &&
      proven(approval);
    return { ...describe(approval), ...(redeemable ? { override_token: await issueOverride(key, approval) } : {}) };
  }

  async function find(id: string, viewer: Viewer): Promise<Approval | null> {
    const approval = await store.approval(id);
    return approval && maySee(approval, viewer) ? approval : null;
  }

  async function settled(id: string, viewer: Viewer, ms: number, signal: AbortSignal): Promise<Approval | null> {
    // Counted in polls, not read from a clock: a clock that is set back must not prolong the wait.
    let polls = waiters >= maxWaiters ? 0 : Math.ceil(Math.min(ms, maxWaitMs) / pollMs);
    waiters += 1;
    try {
      let approval = await find(id, viewer);
      while (approval?.status === "pending" && polls > 0 && !signal.aborted) {
        polls -= 1;
        // It rejects only when aborted, which ends the loop.
        await sleep(pollMs, undefined, { signal }).catch(() => undefined);
        approval = await find(id, viewer);
      }
      return approval;
    } finally {
      waiters -= 1;
    }
  }

  return {
    async show(id, viewer) {
      const approval = await find(id, viewer);
      return approval && view(approval, viewer);
    },
    async wait(id, viewer, ms, signal) {
      const approval = await settled(id, viewer, ms, signal);
      return approval && view(approval, viewer);
    },
    async list(filter) {
      return (await store.approvals(filter)).map(describe);
    },
    async answer(id, person, request) {
      return describe(await takeAnswer(options, id, person, request));
    },
    proven,
    statusUrl: (id) => `${options.publicUrl.replace(/\/+$/, "")}/v1/approvals/${encodeURIComponent(id)}`,
  };
}
