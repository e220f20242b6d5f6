import type { Risk } from "../approvals/risk.js";
import type { ApprovalView } from "../approvals/view.js";
import { fromMicro } from "../money.js";
import type { ApprovalStatus, Store } from "../store/store.js";
import type { ApprovalNotice, Happening, Notice } from "./notice.js";
import type { NotifierName } from "./notifier.js";
import type { Job } from "./queue.js";

/** What is told of an approval, as it is now; `null` when there is none that holds. Throws as the store does. */
export interface NoticeSource {
  notice(id: string, agent: string): Promise<{ approval: ApprovalView; risk: Risk } | null>;
}

/** A notice that is ready to be sent. */
export interface Telling {
  notice: Notice;
  /** The same on every process that tells of the same. */
  id: string;
  /** Notes for all processes that nobody has to tell it any more. */
  settle(how: "sent" | "given_up"): Promise<void>;
}

export interface TellingDeps {
  approvals: NoticeSource;
  store: Pick<Store, "mark" | "marked">;
  publicUrl: string;
  /** Told of every pending approval that is met on the way. */
  onPending: (approval: ApprovalView) => void;
}

type ApprovalHappening = Extract<Happening, { id: string }>;

/** Under which a notifier that has told something of an approval notes it. Each outcome is told for itself. */
export function markName(notifier: NotifierName, kind: ApprovalNotice["kind"], status: ApprovalStatus): string {
  return `told:${notifier}:${kind}${kind === "approval.closed" ? `:${status}` : ""}`;
}

/** What is to be said by now; `null` when it needs no telling any more. Throws as the store does. */
export async function tellingOf(job: Job, notifier: NotifierName, deps: TellingDeps): Promise<Telling | null> {
  const { happening } = job;
  if ("id" in happening) return ofApproval(happening, notifier, deps);
  return { notice: noticeOf(happening, job.atMs), id: `evt_${job.id}`, settle: async () => undefined };
}

async function ofApproval(
  happening: ApprovalHappening,
  notifier: NotifierName,
  { approvals, store, publicUrl, onPending }: TellingDeps,
): Promise<Telling | null> {
  const { id, agent, kind } = happening;
  const found = await approvals.notice(id, agent);
  if (found === null) return null;
  const { approval, risk } = found;
  const isPending = approval.status === "pending";
  if (isPending) onPending(approval);
  // Nobody is asked for what is decided, and what still waits has no outcome.
  if (isPending === (kind === "approval.closed")) return null;
  const mark = markName(notifier, kind, approval.status);
  if ((await store.marked({ id, agent }, mark)) !== null) return null;
  return {
    notice: { kind, approval, risk, url: pageOf(publicUrl, id) },
    id: `${id}-${kind.slice("approval.".length)}${kind === "approval.closed" ? `-${approval.status}` : ""}`,
    settle: async (how) => void (await store.mark({ id, agent }, mark, how)),
  };
}

function noticeOf(happening: Exclude<Happening, ApprovalHappening>, atMs: number): Notice {
  const at = new Date(atMs).toISOString();
  switch (happening.kind) {
    case "budget.warning": {
      const { kind, agent, session, limit, mode, percent, refused, spentMicro, limitMicro } = happening;
      const [used, most] = [fromMicro(spentMicro), fromMicro(limitMicro)];
      return { kind, at, agent_id: agent, session_id: session, limit, mode, percent, refused, used, most };
    }
    case "counters.lost":
      return { kind: happening.kind, at, agent_id: happening.agent };
    default:
      return happening satisfies never;
  }
}

export function pageOf(publicUrl: string, id: string): string {
  return `${publicUrl.replace(/\/+$/, "")}/approvals/${encodeURIComponent(id)}`;
}
