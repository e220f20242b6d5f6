import { z } from "zod";
import { bySoonest, byTurns } from "../pending.js";
import { type Approval, type ApprovalFilter, maxScanned } from "../store.js";
import type { Connected } from "./commands.js";
import { type IndexEntry, type Keys, parseIndexEntry } from "./keys.js";
import { readEntry, readSize, tellUnreadable } from "./list_reads.js";
import { UnreadableApproval } from "./replies.js";
import { scripts } from "./scripts.js";
import { steps } from "./steps.js";

const members = z.array(z.string());

/**
 * The pending ones, from a list that holds nothing else. What turns out not to be pending was answered meanwhile, or by a
 * process that could not take it off the list, and is taken off.
 */
export async function listPending(
  connection: Connected,
  keys: Keys,
  { agent, limit }: Omit<ApprovalFilter, "status">,
  onTrouble: (error: Error) => void,
): Promise<Approval[]> {
  const list = agent === undefined ? keys.pendingIndex : keys.waiting(agent);
  const step = steps(connection);
  const listed = members.parse(await step((redis) => scripts.pendingEntries.run(redis, [list], [maxScanned])));
  const entries = listed.map((member): Listed | null => {
    const entry = agent === undefined ? parseIndexEntry(member) : { agent, id: member };
    return entry && { ...entry, member };
  });
  const left = byTurns(entries.filter((entry) => entry !== null));
  const unreadable: Error[] = entries.flatMap((entry) => (entry === null ? [new UnreadableApproval("no entry")] : []));
  const found: Approval[] = [];
  while (left.length > 0 && found.length < limit) {
    const some = left.splice(0, Math.min(readSize, limit - found.length));
    const read = await step((redis) =>
      Promise.all(some.map(async (entry) => ({ entry, approval: await readEntry(redis, keys, entry) }))),
    );
    const over: string[] = [];
    for (const { entry, approval } of read) {
      if (approval instanceof Error) unreadable.push(approval);
      else if (approval?.status === "pending") found.push(approval);
      else over.push(entry.member);
    }
    // At once, so that a list that takes too long is shorter the next time.
    if (over.length > 0) await step((redis) => redis.zrem(list, ...over));
  }
  tellUnreadable(unreadable, onTrouble);
  return found.sort(bySoonest);
}

interface Listed extends IndexEntry {
  member: string;
}
