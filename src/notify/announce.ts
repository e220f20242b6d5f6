import type { ApprovalStatus, Store } from "../store/store.js";
import type { ApprovalNotice } from "./notice.js";
import type { Sender } from "./sender.js";
import { markName } from "./telling.js";

/** What is known of an approval of which people are told. Times are milliseconds since the Unix epoch. */
export interface Known {
  id: string;
  agent: string;
  openedMs: number;
  /** `null`: never. */
  escalatesMs: number | null;
  expiresMs: number;
  /** From when on we see to it that its end is told; `null` while it is pending. */
  endTellMs: number | null;
  /** False for one that had ended before we came: its end is told to those who were told of it. */
  seenPending: boolean;
  /** Marks that are known to be set, or to be of no use. */
  settled: Set<string>;
}

export interface AnnounceDeps {
  store: Pick<Store, "marked" | "once">;
  senders: readonly Sender[];
  /** So long the process that takes it upon itself to tell has for it, before another may. */
  graceMs: number;
}

/**
 * Gives it to every notifier that has not told it, unless another process has taken that upon itself. True when there is
 * nothing left to tell. Throws as the store does.
 */
export async function announce(
  known: Known,
  kind: ApprovalNotice["kind"],
  status: ApprovalStatus,
  { store, senders, graceMs }: AnnounceDeps,
): Promise<boolean> {
  const { id, agent, settled } = known;
  let isTold = true;
  for (const sender of senders) {
    const mark = markName(sender.name, kind, status);
    if (settled.has(mark)) continue;
    if (sender.has({ kind, id }) || sender.isFull) {
      isTold = false;
    } else if (await isSettled(store, known, sender, mark)) {
      settled.add(mark);
    } else {
      isTold = false;
      if (await store.once(`notify:${id}:${mark}`, graceMs)) sender.add({ kind, id, agent });
    }
  }
  return isTold;
}

async function isSettled(store: AnnounceDeps["store"], known: Known, { name }: Sender, mark: string): Promise<boolean> {
  if ((await store.marked(known, mark)) !== null) return true;
  if (known.seenPending) return false;
  return (await store.marked(known, markName(name, "approval.opened", "pending"))) === null;
}
