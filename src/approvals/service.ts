import type { AuditSink } from "../audit/record.js";
import type { SigningKey } from "../keys/keys.js";
import type { Person, Registry } from "../registry/registry.js";
import type { Runtime } from "../runtime.js";
import type { Approval, ApprovalDraft, ApprovalFilter, Store } from "../store/store.js";
import { type AnswerRequest, takeAnswer } from "./answer.js";
import { type DraftRequest, openDraft } from "./draft.js";
import { ApprovalError } from "./error.js";
import { forgeryOf } from "./genuine.js";
import { type HeldCall, hold } from "./hold.js";
import { signOpening } from "./opening.js";
import { issueOverride } from "./override_token.js";
import { type Expected, isProven } from "./proven.js";
import { type Risk, riskOf } from "./risk.js";
import { type ApprovalView, describe, maySee, type Viewer } from "./view.js";
import { Places, whilePending } from "./waiting.js";

/** Longest long poll. */
export const maxWaitMs = 60_000;
/** Beyond these many, in all and of one agent or person, nobody waits, so that the store is not worn down by polling. */
const maxPolls = [500, 100] as const;
const maxHolds = [200, 20] as const;
/** Approvals of one agent that may be pending at a time. */
const defaultMaxPending = 100;

/**
 * Approvals as people and agents use them. Every method throws `StoreUnavailable` when the store does. An approval in
 * the store that is not the one which was opened, or with an answer that nobody gave, does not exist here; `onTrouble` is
 * told.
 */
export interface ApprovalsService {
  /** What the store needs to open an approval, signed. Throws as `openDraft` does. */
  open(request: DraftRequest): { draft: ApprovalDraft; maxPending: number };
  /** `null` when there is no such approval, or none for this viewer. */
  show(id: string, viewer: Viewer): Promise<ApprovalView | null>;
  /** Waits until the approval is no longer pending, at most `ms` (bounded by 60 s) or until aborted; then as `show`. */
  wait(id: string, viewer: Viewer, ms: number, signal: AbortSignal): Promise<ApprovalView | null>;
  /**
   * The override token of a call that is held until people have answered, once they approved; `null` when they did not in
   * time, when nobody waits any more, or when too many calls are held. Throws `approval_denied`, `store_unavailable`.
   */
  hold(held: HeldCall): Promise<string | null>;
  /** Ends every hold, as if its time were over: for the end of the process. */
  release(): void;
  /** Newest first, for people. */
  list(filter: ApprovalFilter): Promise<ApprovalView[]>;
  /** What people are told of an approval, as it is now; `null` when there is none that holds. */
  notice(id: string, agent: string): Promise<{ approval: ApprovalView; risk: Risk } | null>;
  /** Takes one person's answer. Throws `ApprovalError`, or `AuditUnavailable` and then it does not count. */
  answer(id: string, person: Person, request: AnswerRequest): Promise<ApprovalView>;
  /** Checks the signed opening and answers of an approval before it is redeemed; see `isProven`. */
  proven(approval: Approval, expected?: Expected): boolean;
  /** Address at which the requesting agent polls. */
  statusUrl(id: string): string;
}

/** How people ended an approval. */
export type ClosedBy = "approved" | "denied" | "revoked";

export interface ApprovalsOptions {
  store: Store;
  /** Signs openings, answers and override tokens; processes that share the store share it. */
  key: SigningKey;
  registry: () => Registry;
  audit: AuditSink;
  runtime: Pick<Runtime, "now">;
  publicUrl: string;
  /** Approvals of one agent that may be pending at a time, >= 1; default 100. */
  maxPending?: number;
  /** Told when somebody's answer ended an approval. */
  onClosed?: (approval: { id: string; agent: string; outcome: ClosedBy; waitedMs: number }) => void;
  /** Told of approvals that somebody changed in the store. */
  onTrouble?: (error: Error) => void;
}

export function approvalsService(options: ApprovalsOptions): ApprovalsService {
  const { store, key, registry, runtime, maxPending = defaultMaxPending, onTrouble = () => undefined } = options;
  const pollPlaces = new Places(...maxPolls);
  const holdPlaces = new Places(...maxHolds);
  const releasing = new AbortController();

  function proven(approval: Approval, expected?: Expected): boolean {
    const holds = isProven(approval, { key, registry: registry(), now: runtime.now() }, expected);
    if (!holds) genuine(approval);
    return holds;
  }

  function genuine(approval: Approval | null): Approval | null {
    const forgery = approval && forgeryOf(key, approval);
    if (approval === null || forgery === null) return approval;
    onTrouble(new Error(`approval ${approval.id} ${forgery}`));
    return null;
  }

  /** What happened before counts as it was asked for; what somebody put into the store does not. */
  const risk = (approval: Approval): Promise<Risk> =>
    riskOf(approval, {
      store: {
        look: (request) => store.look(request),
        approvals: async (filter) => (await store.approvals(filter)).filter((one) => genuine(one)),
      },
    });

  async function view(approval: Approval, viewer: Viewer): Promise<ApprovalView> {
    if (viewer.kind !== "agent") return { ...describe(approval), risk: await risk(approval) };
    const redeemable =
      viewer.agent === approval.agent &&
      viewer.session === approval.session &&
      approval.status === "approved" &&
      proven(approval);
    return { ...describe(approval), ...(redeemable ? { override_token: await issueOverride(key, approval) } : {}) };
  }

  async function find(id: string, viewer: Viewer): Promise<Approval | null> {
    const approval = genuine(await store.approval(id, agentOf(viewer)));
    return approval && maySee(approval, viewer) ? approval : null;
  }

  return {
    open: (request) => ({ draft: signOpening(key, openDraft(request), runtime.now()), maxPending }),
    async show(id, viewer) {
      const approval = await find(id, viewer);
      return approval && view(approval, viewer);
    },
    async wait(id, viewer, ms, signal) {
      const leave = pollPlaces.take(nameOf(viewer));
      try {
        const approval = await whilePending(() => find(id, viewer), leave ? Math.min(ms, maxWaitMs) : 0, signal);
        return approval && (await view(approval, viewer));
      } finally {
        leave?.();
      }
    },
    async hold(held) {
      const leave = holdPlaces.take(held.agent);
      if (!leave) return null;
      const viewer: Viewer = { kind: "agent", agent: held.agent, session: held.session };
      try {
        const approval = await hold(held, () => find(held.id, viewer), releasing.signal);
        return approval && ((await view(approval, viewer)).override_token ?? null);
      } finally {
        leave();
      }
    },
    release: () => releasing.abort(),
    async list(filter) {
      const approvals = await store.approvals(filter);
      return approvals.filter((approval) => genuine(approval)).map(describe);
    },
    async notice(id, agent) {
      const approval = genuine(await store.approval(id, agent));
      return approval && { approval: describe(approval), risk: await risk(approval) };
    },
    async answer(id, person, request) {
      const context = { ...options, find: async (wanted: string) => genuine(await store.approval(wanted)) };
      const answered = genuine(await takeAnswer(context, id, person, request));
      if (!answered) throw new ApprovalError("not_found");
      if (answered.status !== "pending") {
        const waitedMs = Math.max(0, runtime.now() - answered.createdAtMs);
        options.onClosed?.({ id, agent: answered.agent, outcome: closedBy(answered, request), waitedMs });
      }
      return describe(answered);
    },
    proven,
    statusUrl: (id) => `${options.publicUrl.replace(/\/+$/, "")}/v1/approvals/${encodeURIComponent(id)}`,
  };
}

function closedBy({ status }: Approval, { decision }: AnswerRequest): ClosedBy {
  if (decision === "revoke") return "revoked";
  return status === "denied" ? "denied" : "approved";
}

/** Whose approval it is, where the viewer knows. */
function agentOf(viewer: Viewer): string | undefined {
  if (viewer.kind === "agent") return viewer.agent;
  return viewer.kind === "link" ? viewer.link.agent : undefined;
}

/** Under which a viewer's long polls are counted. */
function nameOf(viewer: Viewer): string {
  if (viewer.kind === "agent") return viewer.agent;
  return viewer.kind === "link" ? viewer.link.id : viewer.person.id;
}
